"""No deployment starts before its forge was asked: a late run must not bring back what was merged."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone
from werkzeug.wrappers import Response

from seatrial.control.audit.actors import Actor
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.previews import services as previews
from seatrial.control.previews.desired import desired
from seatrial.control.previews.fetching import may_fetch
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.waits import waits
from seatrial.control.projects.models import Project, PullRequest
from seatrial.control.worker.relay import placements
from seatrial.wire.deployments import DesiredDeployment
from tests.forges.hosts.site import Pull
from tests.repositories import commit
from tests.triggers.conftest import wait_is_over, waiting
from tests.triggers.hosted import SHOP, DeliveringHere, handle, project

__all__ = ["project"]  # a fixture
pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
Lanes = Callable[[], None]
BY = Actor.person("ann")


@pytest.fixture
def pull(site: DeliveringHere, project: Project) -> Pull:
    """Opened, and its webhook was handled; nobody has asked GitHub yet."""
    pull = site.open_pull(SHOP, "feature", author="ann")
    handle()
    return pull


def candidate() -> DesiredDeployment | None:
    """What the agent is to prepare."""
    wanted = desired(placements().order_by("-id")[0])
    return wanted.candidate if wanted is not None else None


def newest() -> Deployment:
    return Deployment.objects.order_by("-id")[0]


def live(deployment: Deployment) -> Environment:
    """As if its agent and the ingress had done their work."""
    environment = deployment.environment
    deployment.state, deployment.finished_at = "live", timezone.now()
    deployment.save()
    environment.live, environment.candidate, environment.state = deployment, None, "running"
    environment.save()
    return environment


def test_nothing_is_desired_before_the_forge_has_answered(pull: Pull, lanes: Lanes) -> None:
    assert candidate() is None
    (wait,) = waits([newest().environment_id]).values()
    assert wait.what == "its forge, which is asked whether the pull request is open"
    lanes()
    wanted = candidate()
    assert wanted is not None and wanted.commit == pull.head


@pytest.mark.parametrize("which", ["github", "gitlab", "gitea"])
def test_what_was_merged_meanwhile_is_not_deployed(site: DeliveringHere, pull: Pull, lanes: Lanes) -> None:
    site.lost = True
    site.close_pull(SHOP, pull.number, merged=True)
    lanes()
    known = PullRequest.objects.get()
    assert (known.state, known.merged, newest().state) == ("closed", True, "cancelled")
    assert Environment.objects.get().state == "terminated" and desired(placements()[0]) is None


def test_what_was_pushed_meanwhile_is_deployed_instead(
    site: DeliveringHere, pull: Pull, lanes: Lanes, source: Path
) -> None:
    site.lost = True
    commit(source, {"b": "2"})
    head = site.push(SHOP, source, "feature")
    lanes()
    wanted = candidate()
    assert wanted is not None and wanted.commit == head
    assert [one.state for one in Deployment.objects.order_by("id")] == ["superseded", "queued"]


def test_an_answer_older_than_the_webhook_changes_nothing(
    site: DeliveringHere, pull: Pull, lanes: Lanes
) -> None:
    """GitHub's copies of itself lag behind."""
    PullRequest.objects.update(head_sha="b" * 40, changed_at=timezone.now())
    Deployment.objects.update(commit="b" * 40)
    lanes()
    wanted = candidate()
    assert wanted is not None and wanted.commit == "b" * 40


def test_a_forge_that_is_away_holds_a_preview_up_for_a_while_and_not_for_ever(
    site: DeliveringHere, pull: Pull, lanes: Lanes
) -> None:
    site.faults.extend(Response("", 503) for _ in range(100))
    for _ in range(5):
        assert candidate() is None
        lanes()
        wait_is_over()
    assert "503" in newest().shown_message and candidate() is None
    lanes()
    assert candidate() is not None
    (doubt,) = newest().warnings
    assert "could not confirm that the pull request is open" in doubt and newest().shown_message == ""


def test_a_forge_that_wants_an_hour_of_rest_is_not_waited_for(
    site: DeliveringHere, pull: Pull, lanes: Lanes
) -> None:
    site.faults.extend(Response("", 429, {"Retry-After": "3600"}) for _ in range(100))
    lanes()
    (row,) = waiting(Instruction.CONFIRM)
    assert (row.due_at - timezone.now()).total_seconds() < 60


def test_a_pull_request_that_the_forge_does_not_have_is_not_deployed(
    site: DeliveringHere, pull: Pull, lanes: Lanes
) -> None:
    del site.repositories[SHOP].pulls[pull.number]
    lanes()
    assert (newest().state, newest().reason) == ("failed", "not_confirmed")
    assert candidate() is None


def test_a_rebuild_of_what_was_merged_ends_the_preview(
    site: DeliveringHere, pull: Pull, lanes: Lanes
) -> None:
    lanes()
    environment = live(newest())
    site.lost = True
    site.close_pull(SHOP, pull.number, merged=True)
    previews.rebuild(environment, by=BY)
    assert candidate() is None
    lanes()
    assert Environment.objects.get().state == "terminated"


def test_an_undo_of_what_was_merged_ends_the_preview(site: DeliveringHere, pull: Pull, lanes: Lanes) -> None:
    lanes()
    environment = live(newest())
    previews.stop(environment, by=BY)
    site.lost = True
    site.close_pull(SHOP, pull.number, merged=True)
    previews.undo(environment, by=BY)
    lanes()
    assert Environment.objects.get().state == "terminated"


def test_asking_twice_changes_nothing(pull: Pull, lanes: Lanes) -> None:
    lanes()
    revision = newest().environment.revision
    OutboxMessage.objects.filter(subject=Instruction.CONFIRM).update(published_at=None)
    lanes()
    assert newest().environment.revision == revision


def test_nobody_gets_a_credential_for_what_may_not_start(pull: Pull, lanes: Lanes) -> None:
    environment = newest().environment
    agent = environment.placements.get().agent_id
    assert may_fetch(agent, environment.pk) is None
    lanes()
    assert may_fetch(agent, environment.pk) is not None
