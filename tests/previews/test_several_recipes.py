"""Several recipes per repository: each pull request has a preview of each, and they share nothing but the pull request."""

from collections.abc import Iterable

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from seatrial.control.audit.actors import Actor
from seatrial.control.previews import retention, services, snapshots
from seatrial.control.previews.admission import admit_waiting
from seatrial.control.previews.errors import PreviewWithheld
from seatrial.control.previews.models import Deployment, Environment, Label, Snapshot
from seatrial.control.previews.totals import used
from seatrial.control.projects.changing import ProjectSettings, change_project
from seatrial.control.projects.errors import BadFolder, BadRecipes
from seatrial.control.triggers.following import follow
from seatrial.wire.states import EnvironmentState, SnapshotState
from tests.factories import Cast, project
from tests.previews.scenario import Scenario, web

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
ALICE = Actor.person("alice")
ONE, TWO = "a" * 40, "b" * 40


def change(scenario: Scenario, **changes: object) -> None:
    """As an admin does it, and what follows."""
    change_project(scenario.project, by=ALICE, **changes)  # type: ignore[arg-type]
    scenario.project.refresh_from_db()
    follow({"project": scenario.project.pk})


@pytest.fixture
def mono() -> Scenario:
    """A project with three recipes, and a pull request."""
    scenario = Scenario.make("mono")
    change(scenario, recipe_folder="shop", further_recipes=["services/admin", "services/api"])
    scenario.push(ONE)
    return scenario


def living(scenario: Scenario) -> dict[str, Environment]:
    """By recipe, in that order: the database gives rows in none."""
    rows = Environment.objects.filter(project=scenario.project).exclude(state=EnvironmentState.TERMINATED)
    related = rows.select_related("candidate", "live", "pull_request", "project")
    return {one.recipe: one for one in related.order_by("recipe")}


def folders(deployments: Iterable[Deployment | None]) -> list[str]:
    return [one.recipe_folder for one in deployments if one is not None]


def test_each_recipe_has_a_preview_with_an_address_of_its_own(mono: Scenario) -> None:
    found = living(mono)
    assert {recipe: one.name for recipe, one in found.items()} == {
        "": "pr-1-mono",
        "services/admin": "pr-1-mono-services-admin",
        "services/api": "pr-1-mono-services-api",
    }
    assert folders(one.candidate for one in found.values()) == ["shop", "services/admin", "services/api"]
    assert set(Label.objects.values_list("label", flat=True)) == {one.name for one in found.values()}


def test_a_project_with_one_recipe_has_the_names_it_always_had() -> None:
    scenario = Scenario.make("mono")
    scenario.push(ONE)
    change(scenario, recipe_folder="services/shop")
    scenario.push(TWO, at=1)
    only = living(scenario)
    assert [(one.name, one.recipe) for one in only.values()] == [("pr-1-mono", "")]
    assert folders(one.candidate for one in only.values()) == ["services/shop"]


def test_recipes_whose_folders_look_alike_have_names_that_do_not() -> None:
    scenario = Scenario.make("mono")
    change(scenario, further_recipes=["my-app", "my_app", "My App", "my/app", "x" * 150, "x" * 151])
    scenario.push(ONE)
    names = [one.name for one in living(scenario).values()]
    assert len(set(names)) == 7 and all(len(name) <= 40 for name in names)
    assert {"pr-1-mono", "pr-1-mono-my-app"} <= set(names)


def test_a_name_that_another_repository_has_is_not_taken(mono: Scenario) -> None:
    scenario = Scenario.make("mono-x")
    scenario.push(ONE)
    Environment.objects.filter(project=scenario.project).update(name="pr-1-mono-x")
    change(mono, further_recipes=["x"])
    assert living(mono)["x"].name.startswith("pr-1-mono-") and living(mono)["x"].name != "pr-1-mono-x"


def test_a_push_deploys_all_of_them_and_a_failure_of_one_leaves_the_others(mono: Scenario) -> None:
    first, admin, api = (living(mono)[one].candidate for one in ("", "services/admin", "services/api"))
    assert first and admin and api
    mono.fail(admin, "build_failed")
    mono.ready(first)
    mono.switch()
    assert mono.push(ONE) == "nothing new for the preview"
    mono.push(TWO, at=1)
    now = living(mono)
    assert {one.candidate.commit for one in now.values() if one.candidate} == {TWO}
    assert now[""].live_id == first.pk and now["services/admin"].live is None


def test_closing_ends_all_and_opening_again_brings_all_back_under_their_names(mono: Scenario) -> None:
    names = {recipe: one.name for recipe, one in living(mono).items()}
    assert mono.close(at=1).count("is being removed") == 3
    assert living(mono) == {} and "gone already" in mono.close(at=2)
    mono.push(ONE, at=3, action="reopened")
    assert {recipe: one.name for recipe, one in living(mono).items()} == names


def test_a_recipe_that_is_taken_away_loses_its_previews_and_no_other_does(mono: Scenario) -> None:
    before = living(mono)
    change(mono, further_recipes=["services/api"])
    after = living(mono)
    assert set(after) == {"", "services/api"}
    assert {one.pk for one in after.values()} < {one.pk for one in before.values()}
    with pytest.raises(PreviewWithheld, match="has no recipe services/admin"):
        services.rebuild(before["services/admin"], ALICE)
    change(mono, further_recipes=["services/admin"])
    assert living(mono)["services/admin"].name == before["services/admin"].name


def test_a_recipe_that_is_added_has_previews_of_open_pull_requests_and_disturbs_none(mono: Scenario) -> None:
    before = living(mono)
    change(mono, further_recipes=["services/admin", "services/api", "docs"])
    after = living(mono)
    added = after.pop("docs")
    assert added.candidate is not None and added.candidate.commit == ONE
    assert {one.candidate_id for one in after.values()} == {one.candidate_id for one in before.values()}


def test_what_people_do_to_one_preview_happens_to_no_other(mono: Scenario) -> None:
    rows = living(mono)
    services.stop(rows["services/admin"], ALICE)
    assert set(living(mono)) == {"", "services/api"}
    mono.push(ONE)
    assert set(living(mono)) == {"", "services/api"}, "it stays stopped"
    rebuilt = services.rebuild(rows["services/admin"], ALICE)
    assert (rebuilt.environment.recipe, rebuilt.recipe_folder) == ("services/admin",) * 2
    services.pin(rows[""], ALICE)
    assert [one.pinned for _, one in sorted(living(mono).items())] == [True, False, False]
    with pytest.raises(IntegrityError), transaction.atomic():
        Environment.objects.create(
            project=mono.project, pull_request=mono.pull_request, recipe="services/api", name="other"
        )


def test_each_counts_in_the_quota(mono: Scenario) -> None:
    for one in living(mono).values():
        assert one.candidate is not None
        mono.reads(one.candidate, 100)
    assert admit_waiting() == 3
    assert len(used([mono.project.pk])[mono.project.pk]) == 3


def test_the_data_that_previews_begin_with_is_of_the_same_recipe(mono: Scenario) -> None:
    rows = living(mono)
    saved = {
        recipe: Snapshot.objects.create(
            project=mono.project, agent=mono.agent, source=one.name, recipe=recipe, state=SnapshotState.SAVED
        )
        for recipe, one in rows.items()
        if recipe != "services/api"
    }
    found = {recipe: snapshots.template(one) for recipe, one in rows.items()}
    assert found == {**{recipe: one.pk for recipe, one in saved.items()}, "services/api": ""}


def test_what_was_of_each_recipe_last_is_kept_while_the_pull_request_is_open(mono: Scenario) -> None:
    services.stop(living(mono)["services/admin"], ALICE)
    ended = Environment.objects.get(recipe="services/admin")
    long_ago = mono.clock.replace(year=mono.clock.year - 3)
    Environment.objects.filter(pk=ended.pk).update(terminated_at=long_ago)
    retention.prune(mono.clock)
    assert Environment.objects.filter(pk=ended.pk).exists()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"further_recipes": ["a", "./a/"]}, "recipe a is named twice"),
        ({"recipe_folder": "a", "further_recipes": ["a"]}, "recipe a is named twice"),
        ({"further_recipes": [""]}, "recipe at the root is named twice"),
        ({"recipe_folder": "a", "further_recipes": ["."]}, "can only be the first"),
        ({"further_recipes": [str(number) for number in range(20)]}, "at most 20 recipes, not 21"),
        ({"further_recipes": ["x" * 201]}, "at most 200 characters"),
        ({"further_recipes": ["../x"]}, "such as services/shop, not"),
    ],
)
def test_recipes_that_cannot_be_are_refused_and_change_nothing(changes: ProjectSettings, why: str) -> None:
    row = project(Cast().workspace, "shop")
    with pytest.raises((BadRecipes, BadFolder), match=why):
        change_project(row, by=ALICE, **changes)
    row.refresh_from_db()
    assert (row.recipe_folder, row.further_recipes) == ("", [])


def test_an_admin_names_them_on_the_settings_page_and_is_told_what_is_wrong() -> None:
    cast = Cast()
    row = project(cast.workspace, "mono")
    client = Client()
    client.force_login(cast.alice)
    path, entered = f"/projects/{row.pk}/settings", {"name": "mono", "ttl_hours": 72, "rescan": "never"}
    asked = {**entered, "further_recipes": "services/admin\r\n\r\n a b, c/ \r\n"}
    assert client.post(path, asked).status_code == 302
    row.refresh_from_db()
    assert row.further_recipes == ["services/admin", "a b, c"]
    assert "services/admin\na b, c</textarea>" in client.get(path).content.decode()
    wrong = client.post(path, {**entered, "recipe_folder": "x", "further_recipes": "x"})
    assert wrong.status_code == 200 and "The recipe x is named twice" in wrong.content.decode()


def test_rest_and_pages_name_the_recipe_and_strangers_see_none() -> None:
    cast = Cast()
    scenario = Scenario(project(cast.workspace, "mono"), Scenario.make("other").agent)
    said = {}
    for name in ("alice", "bob", "charlie"):
        client = Client()
        client.force_login(getattr(cast, name))
        path = f"/api/v1/projects/{scenario.project.pk}"
        answer = client.patch(path, {"further_recipes": ["./admin/"]}, content_type="application/json")
        said[name] = answer.status_code
    assert said == {"alice": 200, "bob": 403, "charlie": 404}
    scenario.project.refresh_from_db()
    scenario.push(ONE)
    for one in living(scenario).values():
        assert one.candidate is not None
        scenario.ready(one.candidate, web())
    client = Client()
    client.force_login(cast.bob)
    listed = client.get("/api/v1/environments", {"recipe": "admin"}).json()
    assert [(one["name"], one["recipe"]) for one in listed] == [("pr-1-mono-admin", "admin")]
    assert [one["recipe"] for one in client.get("/api/v1/environments?recipe=").json()] == [""]
    page = client.get(f"/environments/{living(scenario)[''].pk}").content.decode()
    assert 'id="beside"' in page and "pr-1-mono-admin" in page
    card = client.get(f"/projects/{scenario.project.pk}").content.decode()
    assert ">admin</a>" in card
