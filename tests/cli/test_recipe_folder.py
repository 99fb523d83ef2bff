"""`seatrial preview --recipe`: where the recipe is."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import FakeApi, git
from tests.cli.test_commands import deployment, preview_of


@pytest.mark.parametrize(("before", "rebuilt"), [("", True), ("deep", False)])
def test_the_recipe_folder_is_the_projects_and_a_commit_that_ran_from_another_is_built_again(
    cli: Any, api: FakeApi, repository: Path, before: str, rebuilt: bool
) -> None:
    head, asked = git(repository, "rev-parse", "HEAD"), []
    preview_of(api, head, deployment(head, "live", recipe_folder=before))
    api.routes["PATCH /projects/01P"] = lambda body: (
        asked.append(body) or (200, {"id": "01P", "recipe_folder": "deep"})
    )
    api.routes["POST /environments/01E/rebuild"] = lambda _: asked.append("rebuild") or (200, {})
    code, _, err = cli("preview", str(repository), "--recipe", "./deep/")
    assert (code, err) == (0, "")
    assert asked == [{"recipe_folder": "./deep/"}, *(["rebuild"] if rebuilt else [])]
