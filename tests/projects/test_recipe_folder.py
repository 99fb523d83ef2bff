"""Where a project's recipe is: decided by an admin, and kept by each deployment as it was when it began."""

import pytest
from django.test import Client

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.previews.desired import desired
from seatrial.control.projects.changing import change_project
from seatrial.control.projects.errors import BadFolder
from tests.factories import Cast, project
from tests.previews.scenario import Scenario

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
ALICE = Actor.person("alice")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("services/shop", "services/shop"),
        (" ./services//shop/ ", "services/shop"),
        (".", ""),
        ("", ""),
        ("a b", "a b"),
    ],
)
def test_it_is_one_path_from_the_root(given: str, kept: str) -> None:
    row = change_project(project(Cast().workspace, "shop"), by=ALICE, recipe_folder=given)
    assert row.recipe_folder == kept
    assert AuditEntry.objects.filter(action="project.change").exists() == bool(kept)


@pytest.mark.parametrize(
    "given", ["/etc", "..", "a/../../b", "~/shop", "a:b", "a\\b", "a\x00b", "a\nb", "$HOME", "x" * 501]
)
def test_what_is_no_folder_of_a_repository_is_refused_and_changes_nothing(given: str) -> None:
    row = project(Cast().workspace, "shop")
    with pytest.raises(BadFolder, match="such as services/shop, not"):
        change_project(row, by=ALICE, recipe_folder=given, name="Other")
    row.refresh_from_db()
    assert (row.recipe_folder, row.name) == ("", "shop")


def test_a_deployment_keeps_the_one_it_began_with() -> None:
    scenario = Scenario.make("shop")
    scenario.push("a" * 40)
    first = scenario.candidate()
    change_project(scenario.project, by=ALICE, recipe_folder="services/shop")
    scenario.project.refresh_from_db()
    scenario.push("b" * 40)
    second = scenario.candidate()
    first.refresh_from_db()
    assert (first.recipe_folder, second.recipe_folder) == ("", "services/shop")
    told = desired(scenario.environment.placements.get())
    assert told is not None and told.candidate is not None and told.candidate.recipe_folder == "services/shop"


def test_rest_says_and_changes_it_for_those_who_may() -> None:
    cast = Cast()
    path = f"/api/v1/projects/{project(cast.workspace, 'shop').pk}"
    answers = {}
    for name in ("alice", "bob", "charlie"):
        client = Client()
        client.force_login(getattr(cast, name))
        answer = client.patch(path, {"recipe_folder": "shop"}, content_type="application/json")
        answers[name] = answer.status_code
        if name == "alice":
            assert answer.json()["recipe_folder"] == "shop" == client.get(path).json()["recipe_folder"]
            wrong = client.patch(path, {"recipe_folder": "../x"}, content_type="application/json")
            assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "bad_folder")
    assert answers == {"alice": 200, "bob": 403, "charlie": 404}
