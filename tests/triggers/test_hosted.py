"""Every kind of forge from being connected to the comment below a pull request, over REST and the worker's lanes."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from werkzeug.wrappers import Response

from seatrial.control.audit.actors import Actor
from seatrial.control.forges import hooks
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.models import Delivery, Hook
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies import services as policies
from seatrial.control.policies.models import Evaluation, Policy
from seatrial.control.policies.source import services
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Connection, Project, PullRequest
from seatrial.control.triggers.comparing import compare
from seatrial.control.worker import errands
from seatrial.control.worker.aside import Aside
from seatrial.control.worker.database import Database
from seatrial.control.worker.wakeups import Wakeups
from seatrial.wire.evaluations import EvaluationFinished, PolicyResult
from tests.forges.hosts.kinds import SITES
from tests.forges.hosts.site import Site
from tests.repositories import commit, git
from tests.triggers.conftest import wait_is_over, waiting
from tests.triggers.hosted import BOT, SHOP, DeliveringHere, Team, handle, project

__all__ = ["project"]  # a fixture
pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
Lanes = Callable[[], None]


# What Forgejo does differently is in tests/forges, and a whole platform works with it in e2e.
@pytest.fixture(params=[one for one in SITES if one != "forgejo"])
def which(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def finish(evaluation: Evaluation, state: str = "passed", message: str = "") -> None:
    version = evaluation.versions.get()
    result = PolicyResult(
        version_id=version.pk, slug=version.policy.slug, state=state, score=10.0, message=message
    )
    policies.finished("agent", EvaluationFinished(evaluation=evaluation.pk, state=state, results=[result]))


def test_a_pull_request_gets_statuses_and_one_comment(
    site: Site, project: Project, lanes: Lanes, source: Path
) -> None:
    pull = site.open_pull(SHOP, "feature", author="ann", title="Add a cart")
    handle()
    lanes()
    hosted = site.repositories[SHOP]
    assert {one.context: one.state for one in hosted.statuses} == {
        "seatrial/policies": "pending",
        "seatrial/preview": "pending",
    }
    (comment,) = pull.comments
    assert pull.head[:10] in comment.body and "Preview: queued" in comment.body
    finish(Evaluation.objects.get(), "failed", "say @ann to close #1 | <b>now</b> https://bad.test")
    lanes()
    assert pull.comments == [comment] and comment.edits == 1
    assert "Policies: failed" in comment.body and "`has-readme`" in comment.body
    for effect in ("@ann", "#1 ", "<b>", "https://bad.test"):
        assert effect not in comment.body
    assert hosted.statuses[-1].state == "failure"
    commit(source, {"b": "2"})
    site.push(SHOP, source, "feature")
    handle()
    lanes()
    assert pull.comments == [comment] and pull.head[:10] in comment.body
    site.close_pull(SHOP, pull.number, merged=True)
    handle()
    assert PullRequest.objects.get().state == "closed"
    assert Environment.objects.get().state == "terminated"
    assert set(Delivery.objects.values_list("result", flat=True)) == {"accepted"}


def test_a_pull_request_of_the_policy_repository_gets_a_status_of_its_own(
    site: Site, project: Project, team: Team, lanes: Lanes, forges: Forges, source: Path
) -> None:
    services.set_source(team.workspace, project, "main", "policies", by=Actor.person("olga"))
    commit(source, {"policies/wrong.py": "def evaluate(:\n"})
    git(source, "push", "-q", str(site.repositories[SHOP].path), "HEAD:refs/heads/feature", "--force")
    site.open_pull(SHOP, "feature", author="ann", title="A policy")
    handle()
    for lane in (errands.policy_reviews(forges), errands.reports(forges)):
        while Aside(Database(1), Wakeups([]), lane).one():
            pass
    said = [one for one in site.repositories[SHOP].statuses if one.context == "seatrial/policy-review"]
    assert said[-1].state in ("failure", "failed") and not Policy.objects.filter(slug="wrong").exists()
    assert "1 broken file" in said[-1].description


def test_nothing_is_said_twice(site: Site, project: Project, lanes: Lanes) -> None:
    pull = site.open_pull(SHOP, "feature", author="ann")
    handle()
    lanes()
    asked_before = len(site.asked)
    outbox.instruct(Instruction.COMMENT, pull_request=PullRequest.objects.get().pk)
    lanes()
    assert len(site.asked) == asked_before and len(pull.comments) == 1


def test_an_hour_without_the_forge_loses_nothing_and_causes_no_storm(
    site: Site, project: Project, lanes: Lanes
) -> None:
    pull = site.open_pull(SHOP, "feature", author="ann")
    handle()
    site.faults.extend(Response("", 503) for _ in range(50))
    lanes()
    finish(Evaluation.objects.get())
    lanes()
    assert not pull.comments and waiting(Instruction.REPORT)
    site.faults.clear()
    asked_before = len(site.asked)
    wait_is_over()
    lanes()
    assert len(pull.comments) == 1 and not waiting(Instruction.COMMENT)
    assert len(site.asked) - asked_before < 20
    states = {one.context: one.state for one in site.repositories[SHOP].statuses}
    assert states["seatrial/policies"] == "success"


def test_lost_webhooks_are_made_up_for(site: DeliveringHere, project: Project, forges: Forges) -> None:
    site.lost = True
    kept, closed = (site.open_pull(SHOP, "feature", author="ann") for _ in range(2))
    compare(forges, project)
    assert Environment.objects.exclude(state="terminated").count() == 2
    site.close_pull(SHOP, closed.number)
    compare(forges, project)
    assert PullRequest.objects.get(state="open").number == kept.number


def test_a_webhook_that_was_switched_off_or_deleted_is_healed(
    site: Site, project: Project, lanes: Lanes
) -> None:
    (webhook,) = site.repositories[SHOP].webhooks
    webhook.active = False
    hooks.ask_due()
    lanes()
    assert not webhook.active  # looked at a moment ago
    Hook.objects.update(asked_at=timezone.now() - timedelta(hours=2))
    hooks.ask_due()
    lanes()
    assert [one.active for one in site.repositories[SHOP].webhooks] == [True]
    site.repositories[SHOP].webhooks.clear()
    Hook.objects.update(asked_at=timezone.now() - timedelta(hours=2))
    hooks.ask_due()
    hooks.ask_due()
    lanes()
    assert len(site.repositories[SHOP].webhooks) == 1


def test_a_webhook_that_may_not_be_made_is_said(
    site: Site, connection: str, team: Team, lanes: Lanes
) -> None:
    site.repositories[SHOP].members[BOT] = "write"
    team.call("owner", "POST", f"/connections/{connection}/projects", {"repositories": [SHOP]})
    lanes()
    assert "127.0.0.1" in Hook.objects.get().problem
    site.repositories[SHOP].members[BOT] = "admin"
    hooks.ask(Project.objects.get())
    wait_is_over()
    lanes()
    assert Hook.objects.get().problem == ""


def test_without_a_secret_no_webhook_is_made_that_we_would_reject(
    site: Site, connection: str, team: Team, lanes: Lanes
) -> None:
    row = Connection.objects.get()
    row.webhook_secret = ""
    row.save()
    team.call("owner", "POST", f"/connections/{connection}/projects", {"repositories": [SHOP]})
    lanes()
    assert "no webhook secret" in Hook.objects.get().problem
    assert site.repositories[SHOP].webhooks == []


def test_a_removed_project_has_no_webhook(site: Site, project: Project, lanes: Lanes) -> None:
    Project.objects.update(archived_at=timezone.now())
    hooks.ask(project)
    lanes()
    assert site.repositories[SHOP].webhooks == [] and not Hook.objects.exists()


TELLING_RENAMES = [name for name, site in SITES.items() if site.tells_renames]


@pytest.mark.parametrize("which", TELLING_RENAMES, indirect=True)
def test_a_renamed_repository_is_the_same_project(
    site: Site, project: Project, forges: Forges, lanes: Lanes
) -> None:
    site.open_pull(SHOP, "feature", author="ann")
    handle()
    lanes()
    site.renamed(SHOP, "acme/store")
    handle()
    project.refresh_from_db()
    assert (project.full_name, project.slug) == ("acme/store", "shop")
    assert project.clone_url.endswith("/acme/store.git")
    compare(forges, project)
    assert PullRequest.objects.get().state == "open"


def test_a_name_that_somebody_else_took_mixes_nothing_up(
    site: DeliveringHere, project: Project, forges: Forges, lanes: Lanes, source: Path
) -> None:
    site.open_pull(SHOP, "feature", author="ann")
    handle()
    lanes()
    site.lost = True
    site.renamed(SHOP, "acme/store")
    compare(forges, project)
    site.repository(SHOP, source, admin=BOT)
    site.open_pull(SHOP, "feature", author="ann")
    with suppress(ForgeError):  # of those who know a repository by its name only
        compare(forges, project)
    assert PullRequest.objects.filter(state="open").count() == 1


def test_a_rename_that_no_webhook_told_is_noticed_within_the_hour(
    site: DeliveringHere, project: Project, lanes: Lanes
) -> None:
    site.lost = True
    site.renamed(SHOP, "acme/store")
    Hook.objects.update(asked_at=timezone.now() - timedelta(hours=2))
    hooks.ask_due()
    lanes()
    project.refresh_from_db()
    assert project.full_name == "acme/store" and project.clone_url.endswith("/acme/store.git")
