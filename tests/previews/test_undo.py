"""A stop can be undone for a while: what was live is kept, with its data, and comes back as it was."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.previews import retention, routes, services
from seatrial.control.previews.errors import NothingToStop, NothingToUndo, PullRequestClosed
from seatrial.control.previews.models import Environment
from seatrial.control.previews.waits import waits
from tests import factories
from tests.previews.scenario import Scenario, check_invariants, web

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
A, B = (letter * 40 for letter in "ab")
ALICE = Actor.person("alice")


@pytest.fixture
def scene() -> Scenario:
    return Scenario.make()


def test_what_is_stopped_serves_nobody_and_is_kept_on_its_host(scene: Scenario) -> None:
    deployment = scene.live(A)
    before = scene.desired()
    scene.stop()
    environment = scene.environment
    assert (environment.state, environment.stop_cause, environment.stopped_by) == (
        "stopped",
        "person",
        "alice",
    )
    assert environment.undo_until is not None and environment.undo_until > timezone.now()
    assert routes.served(environment) == [] and routes.urls(environment) == {}
    desired, placement = scene.desired(), scene.placement()
    assert before is not None and desired is not None and desired.revision > before.revision
    assert (desired.running, desired.live, desired.candidate) == (False, before.live, None)
    assert placement is not None and placement.leaving_since is None
    assert retention.commits_in_use() == {A} and scene.deployment(A) == deployment
    with pytest.raises(NothingToStop):
        scene.stop()
    check_invariants(scene.project)


def test_undone_it_is_as_it_was(scene: Scenario) -> None:
    deployment = scene.live(A)
    before, served = scene.environment, routes.served(scene.environment)
    scene.stop()
    scene.undo()
    after, desired = scene.environment, scene.desired()
    assert (after.pk, after.state, after.live, after.expires_at) == (
        before.pk,
        "running",
        deployment,
        before.expires_at,
    )
    assert (after.stop_cause, after.stopped_by, after.undo_until, after.kept) == ("", "", None, None)
    assert routes.served(after) == served
    assert [one["state"] for one in after.services] == ["restarting"], "until its agent says that it runs"
    assert desired is not None and desired.running and desired.candidate is None
    assert desired.live is not None and desired.live.id == deployment.pk
    said = [entry.action for entry in AuditEntry.objects.order_by("id")]
    assert said[-2:] == ["environment.stop", "environment.undo"]
    with pytest.raises(NothingToUndo, match="pr-1-shop is not stopped"):
        scene.undo()
    check_invariants(scene.project)


def test_when_its_time_is_over_everything_goes_and_nothing_can_be_undone(scene: Scenario) -> None:
    scene.live(A)
    scene.stop()
    assert services.expire() == 0
    scene.undo_time_passes()
    assert services.expire() == 1 and services.expire() == 0
    environment = scene.environment
    assert (environment.state, environment.stop_cause, environment.stopped_by) == (
        "terminated",
        "person",
        "alice",
    )
    assert scene.desired() is None and retention.commits_in_use() == set()
    with pytest.raises(NothingToUndo, match="no longer kept, and its data is removed"):
        scene.undo()
    assert scene.environment.removed_at is None
    scene.removed(environment)
    assert scene.environment.removed_at is not None
    check_invariants(scene.project)


def test_its_time_to_live_does_not_cut_the_time_for_an_undo_short(scene: Scenario) -> None:
    scene.live(A)
    scene.stop()
    Environment.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert services.expire() == 0
    scene.undo()
    assert scene.environment.state == "running"
    assert services.expire() == 1


def test_on_an_agent_that_is_away_it_is_removed_later(scene: Scenario) -> None:
    scene.live(A)
    scene.stop()
    scene.agent.state = "offline"
    scene.agent.save()
    scene.undo_time_passes()
    services.expire()
    environment = scene.environment
    assert "which is offline, to remove it" in waits([environment.pk])[environment.pk].what
    assert scene.placement() is not None and scene.desired() is None
    scene.removed(environment)
    assert scene.environment.removed_at is not None


def test_who_is_to_stop_it_and_is_not_told_is_waited_for(scene: Scenario) -> None:
    scene.live(A)
    OutboxMessage.objects.all().delete()
    scene.stop()
    assert waits([scene.environment.pk]) == {}
    OutboxMessage.objects.update(attempts=1, created_at=timezone.now() - timedelta(minutes=1))
    (wait,) = waits([scene.environment.pk]).values()
    assert wait.what.startswith("the bus: ")


def test_what_its_agent_says_meanwhile_changes_nothing(scene: Scenario) -> None:
    deployment = scene.live(A)
    scene.push(B, at=1)
    late = scene.candidate()
    scene.stop()
    kept = scene.environment
    scene.ready(late)
    scene.switch()
    scene.fail(late)
    scene.observe(deployment, web("http://10.6.6.6:80"), at=9)
    scene.removed(kept)  # of an agent that removed it in an earlier life
    now = scene.environment
    assert (now.state, now.kept, now.services, now.removed_at) == ("stopped", deployment, kept.services, None)
    assert scene.desired() is not None
    check_invariants(scene.project)


def test_the_commit_that_was_being_deployed_is_deployed_after_an_undo(scene: Scenario) -> None:
    live = scene.live(A)
    scene.push(B, at=1)
    scene.stop()
    assert scene.deployment(B).state == "cancelled"
    scene.push(B, at=2)  # the forge sweep
    assert scene.environment.state == "stopped"
    scene.undo()
    environment = scene.environment
    assert (environment.state, environment.live, scene.candidate().commit) == ("running", live, B)


def test_a_commit_that_comes_meanwhile_starts_it_again_with_its_data(scene: Scenario) -> None:
    live = scene.live(A)
    scene.stop()
    stopped = scene.environment
    scene.push(B, at=1)
    environment, desired = scene.environment, scene.desired()
    assert environment.pk == stopped.pk, "a new one would begin without the data"
    assert (environment.state, environment.live, scene.candidate().commit) == ("running", live, B)
    assert desired is not None and desired.running and desired.candidate is not None
    scene.undo_time_passes()
    assert services.expire() == 0
    check_invariants(scene.project)


def test_a_rebuild_meanwhile_keeps_the_data(scene: Scenario) -> None:
    live = scene.live(A)
    scene.stop()
    again = services.rebuild(scene.environment, by=ALICE)
    environment = scene.environment
    assert again.environment == environment and again.no_cache
    assert (environment.live, environment.candidate) == (live, again)
    check_invariants(scene.project)


def test_closing_the_pull_request_removes_it_at_once(scene: Scenario) -> None:
    scene.live(A)
    scene.stop()
    scene.close(at=1)
    assert scene.environment.state == "terminated" and scene.desired() is None
    with pytest.raises(PullRequestClosed):
        scene.undo()
    check_invariants(scene.project)
    scene.push(A, at=2, action="reopened")
    assert scene.environment.state == "building"


@pytest.mark.parametrize("setting", [0.0, 600.0])
def test_what_nobody_can_undo_is_removed_at_once(
    scene: Scenario, setting: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Because the setting says so, or because nothing was live."""
    monkeypatch.setattr(settings.CONFIGURATION, "galley_undo_seconds", setting)
    if setting:
        scene.push(A)
    else:
        scene.live(A)
    scene.stop()
    assert scene.environment.state == "terminated" and scene.desired() is None
    with pytest.raises(NothingToUndo):
        scene.undo()


def test_nothing_moves_it_while_it_is_stopped(scene: Scenario) -> None:
    scene.live(A)
    scene.stop()
    before = scene.environment.revision
    scene.agent.state = "draining"
    scene.agent.save()
    assert services.plan_drain(scene.agent) == []
    assert not services.move(scene.environment, off=scene.agent, by=ALICE)
    scene.agent.state = "revoked"
    scene.agent.save()
    assert services.place_waiting() == 0
    environment = scene.environment
    assert (environment.state, environment.revision, environment.candidate) == ("stopped", before, None)


def test_data_that_went_with_its_agent_is_not_promised(scene: Scenario) -> None:
    """Revoking an agent gives up what it has; an undo then deploys the commit on another agent, and says so."""
    scene.push(A)
    database = web(name="db").model_copy(update={"keeps_data": True, "endpoint": None})
    scene.ready(scene.candidate(), web(), database)
    scene.switch()
    scene.stop()
    scene.agent.state = "revoked"
    scene.agent.save()
    other = factories.agent(state="online")
    scene.undo()
    assert services.place_waiting() == 1
    candidate = scene.candidate()
    assert candidate.agent == other and "The data of db was on agent" in candidate.warnings[0]
    check_invariants(scene.project)
