"""Further contexts of builds: folders, images and siblings, by real builders; and what nobody may name."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.contexts import Further
from seatrial.agent.builds.digests import by_names_of_ours
from seatrial.agent.recipes.recipe import Contexts
from seatrial.agent.vocabulary.errors import BuildError, ImageUnavailable
from seatrial.agent.vocabulary.labels import MANAGED
from tests.builds.conftest import AnyBuilder, Lines, both_in_campaigns, docker
from tests.builds.test_dialect import NEW, Dialect

Make = Callable[..., BuildRequest]
RECIPE = """FROM start
RUN --mount=type=bind,from=shared/files,target=/m cat /m/a > /mounted
COPY --from=shared/files a /a
COPY --from=sibling /made /made
CMD ["cat", "/a", "/mounted", "/made"]
"""


@both_in_campaigns
async def test_a_build_takes_from_a_folder_an_image_and_a_sibling(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines
) -> None:
    sibling = request_for("sibling", {"Dockerfile": f"FROM {base}\nRUN echo sibling > /made\n"})
    sibling = replace(sibling, labels={**sibling.labels, MANAGED: "true"})
    await builder.build(sibling, log)
    contexts = Contexts({"shared/files": "shared"}, {"start": base}, {"sibling": "other"})
    files = {"app/Dockerfile": RECIPE, "shared/a": "folder\n"}
    request = replace(
        request_for("takes", files, path="app", contexts=contexts), siblings={"other": sibling.tag}
    )
    await builder.build(request, log)
    shown = await docker("run", "--rm", "--network", "none", request.tag)
    assert shown.split() == ["folder", "folder", "sibling"]
    (request.context_root / "shared/a").write_text("changed\n")
    await builder.build(request, log)
    shown = await docker("run", "--rm", "--network", "none", request.tag)
    assert shown.split() == ["changed", "changed", "sibling"], "no step remembers the folder as it was"
    stolen = request_for("stolen", {"app/Dockerfile": f"FROM {sibling.tag}\n"}, path="app")
    with pytest.raises(ImageUnavailable, match="was built for a preview"):
        await builder.build(stolen, log)


def test_a_context_is_a_folder_of_the_repository(request_for: Make) -> None:
    request = request_for("outside", {"Dockerfile": ""}, contexts=Contexts({"x": "link"}))
    with pytest.raises(BuildError, match=r"additional_contexts\.x: there is no folder link"):
        Further.of(request)
    (request.context_root / "link").symlink_to("/etc")
    with pytest.raises(BuildError, match=r"additional_contexts\.x: link leads out of the repository"):
        Further.of(request)


def test_no_stage_begins_from_a_folder() -> None:
    dialect = Dialect("Dockerfile", NEW, {}, {}, folders=["files"])
    with pytest.raises(
        BuildError, match=r"^Dockerfile:2: FROM files: this context is a folder.* COPY --from"
    ):
        dialect.adapted(b"# one\nFROM files\nRUN x\n")


def test_a_context_is_not_taken_for_one_whose_name_begins_alike() -> None:
    text = "--from=app2 --from=app a b"
    assert by_names_of_ours("COPY", text, "", {"app": "ours"}) == "--from=app2 --from=ours a b"
    mount = "--mount=type=bind,from=app,target=/x y"
    assert by_names_of_ours("RUN", mount, "", {"app": "ours"}) == mount.replace("app", "ours")
