"""`seatrial preview --recipe`: where the recipe is."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import FakeApi, git
from tests.cli.test_commands import ENVIRONMENT, deployment, preview_of


@pytest.mark.parametrize(("before", "rebuilt"), [("", True), ("deep", False)])
def test_the_recipe_folder_is_the_projects_and_a_commit_that_ran_from_another_is_built_again(
    cli: Any, api: FakeApi, repository: Path, before: str, rebuilt: bool
) -> None:
    head, asked = git(repository, "rev-parse", "HEAD"), []
    preview_of(api, head, deployment(head, "live", recipe_folder=before))
    api.routes["PATCH /projects/01P"] = lambda body: (
        asked.append(body) or (200, {"id": "01P", "recipe_folder": "deep", "further_recipes": []})
    )
    api.routes["POST /environments/01E/rebuild"] = lambda _: asked.append("rebuild") or (200, {})
    code, _, err = cli("preview", str(repository), "--recipe", "./deep/")
    assert (code, err) == (0, "")
    assert asked == [{"recipe_folder": "./deep/", "further_recipes": []}, *(["rebuild"] if rebuilt else [])]


@pytest.mark.parametrize("api_state", ["live", "failed"])
def test_several_recipes_are_waited_for_and_one_that_is_not_live_is_said(
    cli: Any, api: FakeApi, repository: Path, api_state: str
) -> None:
    head, asked = git(repository, "rev-parse", "HEAD"), []
    first = {**ENVIRONMENT, "deployment": deployment(head, "live", recipe_folder="shop"), "recipe": ""}
    admin = {**first, "id": "01A", "name": "pr-1-dinghy-admin", "recipe": "admin"}
    admin["deployment"] = deployment(head, api_state, recipe_folder="admin")
    preview_of(api, head, first["deployment"])
    api.routes["GET /environments"] = lambda _: (200, [admin, first])
    answer = {"id": "01P", "recipe_folder": "shop", "further_recipes": ["admin"]}
    api.routes["PATCH /projects/01P"] = lambda body: asked.append(body) or (200, answer)
    api.routes["POST /environments/01A/rebuild"] = lambda _: asked.append("rebuild") or (200, {})
    words = ("preview", str(repository), "--recipe", "shop", "--recipe", "admin")
    code, out, _ = cli(*words)
    assert code == (0 if api_state == "live" else 1)
    assert asked[0] == {"recipe_folder": "shop", "further_recipes": ["admin"]}
    assert asked[1:] == ([] if api_state == "live" else ["rebuild"])
    assert "Recipe admin" in out
    listed = json.loads(cli(*words, "--json")[1])["items"]
    assert [one["recipe"] for one in listed] == ["", "admin"]
