"""Several recipes per repository, as code hosts are told of them and ask for them: each under a name of its own."""

import json
from collections.abc import Callable

import pytest

from seatrial.control.audit.actors import Actor
from seatrial.control.forges.github import app_parsing, checks, statuses
from seatrial.control.forges.gitlab import statuses as gitlab
from seatrial.control.forges.models import PostedReport, Told
from seatrial.control.forges.protocol import PreviewReport
from seatrial.control.policies.models import Evaluation, PolicyVersion
from seatrial.control.previews import services as previews
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.projects.changing import change_project
from seatrial.control.projects.models import Project, PullRequest
from seatrial.control.triggers import checks as asked_at_reports
from seatrial.control.triggers import comments, floating, obeying
from seatrial.control.triggers.following import follow
from seatrial.wire.states import DeploymentState
from tests import factories
from tests.triggers.test_telling import Listening, forge

__all__ = ["forge"]  # a fixture
pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
ALICE = Actor.person("alice")
ADMIN = "services/admin"


@pytest.fixture
def pull_request() -> PullRequest:
    """Of a project with two recipes, each with a preview that is being prepared."""
    project = factories.project(factories.workspace(), further_recipes=[ADMIN])
    pull_request = factories.pull_request(project)
    previews.pull_request_changed(pull_request)
    return pull_request


def fail(recipe: str) -> None:
    Deployment.objects.filter(environment__recipe=recipe).update(state="failed", message="no")
    Environment.objects.filter(recipe=recipe).update(candidate=None)


@pytest.fixture
def heard(forge: Listening, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the code host hears of previews."""
    told: list[str] = []

    def hear(_: object, project: Project, report: PreviewReport) -> None:
        told.append(f"{report.named('preview')}: {report.state}")

    monkeypatch.setattr(Listening, "report_preview", hear)
    return told


def test_each_is_reported_under_its_own_name_and_only_when_it_changed(
    pull_request: PullRequest, heard: list[str], lanes: Callable[[], None]
) -> None:
    lanes()
    assert sorted(heard) == ["preview (services/admin): queued", "preview: queued"]
    fail(ADMIN)
    previews.stop(Environment.objects.get(recipe=ADMIN), by=ALICE)
    heard.clear()
    lanes()
    assert heard == ["preview (services/admin): failed"]


def test_one_that_is_taken_away_is_no_promise_any_more(
    pull_request: PullRequest, heard: list[str], lanes: Callable[[], None]
) -> None:
    lanes()
    heard.clear()
    change_project(pull_request.project, by=ALICE, further_recipes=[])
    follow({"project": pull_request.project_id})
    lanes()
    assert heard == ["preview (services/admin): cancelled"]
    promised = PostedReport.objects.filter(what=Told.PREVIEW, unfinished=True)
    assert list(promised.values_list("recipe", flat=True)) == [""]


def test_a_draft_without_previews_succeeds_under_both_names(
    pull_request: PullRequest, heard: list[str], lanes: Callable[[], None]
) -> None:
    change_project(pull_request.project, by=ALICE, previews_enabled=False)
    follow({"project": pull_request.project_id})
    lanes()
    assert sorted(heard) == ["preview (services/admin): live", "preview: live"]


def test_names_at_code_hosts_are_the_known_ones_for_the_first_recipe() -> None:
    for recipe, name in (("", "seatrial/preview"), (ADMIN, "seatrial/preview (services/admin)")):
        report = PreviewReport(
            commit="a" * 40, state=DeploymentState.LIVE, description="", page_url="", recipe=recipe
        )
        assert statuses.of_preview(report)["context"] == name == gitlab.of_preview(report)["name"]
        assert (checks.of_preview(report).name, checks.of_preview(report).identity) == (name, name)
        run = {"name": name, "head_sha": "a" * 40}
        body = {"action": "rerequested", "check_run": run, "repository": {"id": 1, "full_name": "a/b"}}
        event = app_parsing._check_run("check_run", json.dumps(body).encode())
        assert event is not None and (event.recipe, event.orders) == (recipe, ("rebuild",))


def test_a_button_at_one_of_them_is_about_that_one(pull_request: PullRequest) -> None:
    later = Deployment.objects.latest("created_at").created_at
    body = {"commit": pull_request.head_sha}
    asked_at_reports._rebuild(pull_request.project, {**body, "recipe": ADMIN}, ALICE, later)
    counts = {one: Deployment.objects.filter(environment__recipe=one).count() for one in ("", ADMIN)}
    assert counts == {"": 1, ADMIN: 2}
    asked_at_reports._stop(pull_request.project, {**body, "recipe": ""}, ALICE, later)
    assert Environment.objects.exclude(state="terminated").get().recipe == ADMIN


def test_the_comment_lists_them_and_its_commands_are_about_all(pull_request: PullRequest) -> None:
    text = "\n".join(comments._parts(pull_request))
    assert "**Preview: queued**" in text and "**Preview of `services/admin`: queued**" in text
    previews.stop(Environment.objects.get(recipe=""), by=ALICE)
    assert len(obeying._each(pull_request, lambda one: previews.stop(one, by=ALICE))) == 1
    with pytest.raises(Exception, match="stopped already"):
        obeying._each(pull_request, lambda one: previews.stop(one, by=ALICE))
    assert len(obeying._each(pull_request, lambda one: previews.rebuild(one, by=ALICE))) == 2


def test_live_policies_look_at_the_first_one(pull_request: PullRequest) -> None:
    version = factories.policy(pull_request.project.workspace)
    PolicyVersion.objects.filter(pk=version.pk).update(live=True)
    fail(ADMIN)
    floating.float_preview({"pull_request": pull_request.pk})
    evaluation = Evaluation.objects.get()
    assert evaluation.deployment == Deployment.objects.get(environment__recipe="").pk
    assert evaluation.waits_for == "the preview"
