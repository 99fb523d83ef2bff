"""Ways out of a build that were found in buildah itself, or could be: what is outside must not be there."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.buildah import BuildahBuilder
from seatrial.agent.errors import BuildError
from tests.builds.conftest import Lines

pytestmark = pytest.mark.docker

Make = Callable[..., BuildRequest]
MARK = "readable-by-everybody-on-this-host"


@pytest.fixture
def outside() -> Iterator[Path]:
    """A file that every user of the host may read."""
    file = Path("/var/tmp/seatrial-test-outside")
    file.write_text(MARK)
    file.chmod(0o644)
    yield file
    file.unlink()


MOUNTS = {
    "a link in an image (CVE-2024-1753)": "type=bind,from=lure,source=/lure/out,target=/host",
    "a link in an image, writable": "type=bind,from=lure,source=/lure/out,target=/host,rw",
    "a link in the repository": "type=bind,source=out,target=/host",
    "a cache outside of the caches (CVE-2024-9675)": "type=cache,id=../../../../../../../..,target=/host",
}


@pytest.mark.parametrize("mount", MOUNTS.values(), ids=MOUNTS.keys())
async def test_a_mount_of_a_step_does_not_reach_the_host(
    builder: BuildahBuilder, request_for: Make, base: str, log: Lines, outside: Path, mount: str
) -> None:
    recipe = (
        f"FROM {base} AS lure\nRUN busybox mkdir /lure && busybox ln -s / /lure/out\n"
        f"FROM {base}\nRUN --mount={mount} cat /host{outside} /host/etc/shadow; "
        "touch /host/run/galley-builder/bases/store/planted; ls /host/home /host/var /host/run/galley-builder/scopes; false\n"
    )
    request = request_for("escape", {"Dockerfile": recipe, "text": "x"}, no_cache=True)
    (request.context_root / "out").symlink_to("/")
    with contextlib.suppress(BuildError):
        await builder.build(request, log)
    said = log.text.replace(recipe, "")
    assert MARK not in said
    assert "root:x:0" not in said
    assert not (builder.data / "bases/store/planted").exists(), "what all projects share was written to"


@pytest.mark.parametrize("link", ["/etc/shadow", "/var/tmp/seatrial-test-outside", "../../../../etc/passwd"])
async def test_a_link_that_is_read_for_the_build_leads_nowhere(
    builder: BuildahBuilder, request_for: Make, base: str, log: Lines, outside: Path, link: str
) -> None:
    request = request_for(
        "ignore", {"Dockerfile": f"FROM {base}\nCOPY . /all\nADD link /added\nRUN cat /added /all/*\n"}
    )
    (request.context_root / ".dockerignore").symlink_to(link)
    (request.context_root / "link").symlink_to(link)
    with contextlib.suppress(BuildError):
        await builder.build(request, log)
    assert MARK not in log.text
    assert "root:x:0" not in log.text
