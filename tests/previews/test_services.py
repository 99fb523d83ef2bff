from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.previews import services
from seatrial.control.previews.errors import NothingToStop, PullRequestClosed
from seatrial.control.previews.models import Deployment, DeploymentPhase, Environment
from seatrial.wire.words import ServiceState
from tests import factories
from tests.previews.scenario import Scenario, check_invariants, web

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
A, B, C = (letter * 40 for letter in "abc")


@pytest.fixture
def scene() -> Scenario:
    return Scenario.make()


def test_opened_pull_request_is_placed_and_desired(scene: Scenario) -> None:
    scene.push(A, action="opened")
    environment = scene.environment
    assert (environment.name, environment.state, environment.shown_agent) == (
        "pr-1-shop",
        "building",
        scene.agent,
    )
    desired = scene.desired()
    assert desired is not None and desired.candidate is not None and desired.live is None
    assert desired.candidate.commit == A
    assert desired.repository == scene.project.pk  # the agent's cache of it: two may share a name
    assert OutboxMessage.objects.filter(subject="desired", body={"environment": environment.pk}).exists()


def test_phases_move_the_state_forward_only(scene: Scenario) -> None:
    scene.push(A)
    deployment = scene.candidate()
    for name, state in (("checkout", "building"), ("start", "starting"), ("build web", "starting")):
        scene.phase(deployment, name)
        assert scene.candidate().state == state
    scene.phase(deployment, "checkout", seconds=1.5)
    scene.phase(deployment, "checkout")  # its beginning, late
    assert DeploymentPhase.objects.get(deployment=deployment, name="checkout").seconds == 1.5
    scene.phase(deployment, "checkout", at=60)  # the agent was killed and tries again
    assert DeploymentPhase.objects.get(deployment=deployment, name="checkout").seconds is None
    scene.phase(deployment, "checkout", seconds=9, at=60, failed=True)
    assert DeploymentPhase.objects.get(deployment=deployment, name="checkout").failed
    scene.phase(deployment, "checkout", at=90)
    assert not DeploymentPhase.objects.get(deployment=deployment, name="checkout").failed


def test_ready_then_live_with_its_switch_timed(scene: Scenario) -> None:
    deployment = scene.live(A)
    environment = scene.environment
    assert (environment.state, environment.live, environment.candidate) == ("running", deployment, None)
    assert deployment.state == "live" and deployment.isolation == "runc"
    assert deployment.phases.get(name="switch").seconds is not None
    desired = scene.desired()
    assert desired is not None and desired.candidate is None
    assert desired.live is not None and desired.live.id == deployment.pk


def test_push_supersedes_what_is_in_progress_and_keeps_what_is_live(scene: Scenario) -> None:
    live = scene.live(A, at=0)
    scene.push(B, at=1)
    late = scene.candidate()
    scene.push(C, at=2)
    assert scene.deployment(B).state == "superseded"
    assert scene.environment.live == live
    scene.ready(late)
    scene.fail(late)
    scene.phase(late, "health")
    assert scene.deployment(B).state == "superseded"
    scene.ready(scene.candidate())
    scene.switch()
    assert scene.deployment(A).state == "superseded"
    assert scene.deployment(C).state == "live"
    check_invariants(scene.project)


def test_failed_candidate_leaves_live_alone(scene: Scenario) -> None:
    scene.live(A)
    scene.push(B, at=1)
    scene.fail(scene.candidate())
    environment = scene.environment
    assert environment.state == "running" and environment.live == scene.deployment(A)
    failed = scene.deployment(B)
    assert (failed.state, failed.reason, failed.failed_service) == ("failed", "build_failed", "web")
    scene.push(B, at=2)  # the same commit, said again
    assert Deployment.objects.filter(commit=B).count() == 1


def test_repeated_and_late_deliveries_cannot_bring_a_closed_preview_back(scene: Scenario) -> None:
    opened, pushed = scene.news("opened", A, 0), scene.news("synchronize", B, 1)
    for news in (opened, pushed, scene.news("closed", B, 2)):
        scene.tell(news)
    for news in (opened, pushed, pushed):
        assert scene.tell(news) == "old"
    assert scene.environment.state == "terminated"
    assert scene.desired() is None
    assert Environment.objects.count() == 1


def test_late_events_of_a_closed_preview_change_nothing(scene: Scenario) -> None:
    scene.push(A)
    deployment = scene.candidate()
    scene.close(at=1)
    scene.phase(deployment, "start")
    scene.ready(deployment)
    scene.switch()
    scene.fail(deployment)
    assert scene.deployment(A).state == "cancelled"
    assert scene.environment.state == "terminated" and scene.environment.removed_at is None
    scene.removed(scene.environment)
    first = scene.environment.removed_at
    scene.removed(scene.environment)
    assert first is not None and scene.environment.removed_at == first


def test_reopened_pull_request_gets_a_new_environment(scene: Scenario) -> None:
    scene.live(A)
    scene.close(at=1)
    scene.push(A, at=2, action="reopened")
    assert [e.state for e in Environment.objects.order_by("id")] == ["terminated", "building"]
    assert scene.environment.name == "pr-1-shop"


def test_stopped_preview_stays_stopped_until_the_next_commit(scene: Scenario) -> None:
    scene.live(A)
    scene.stop()
    scene.push(A, at=4)  # the forge sweep
    assert scene.environment.state == "stopped"
    scene.undo_time_passes()
    services.expire()
    with pytest.raises(NothingToStop):
        scene.stop()
    scene.push(A, at=5)
    assert scene.environment.state == "terminated"
    scene.push(B, at=6)
    assert scene.environment.state == "building"


def test_stopped_preview_returns_when_the_pull_request_is_reopened(scene: Scenario) -> None:
    scene.live(A)
    scene.stop()
    scene.close(at=5)
    scene.push(A, at=6, action="reopened")
    assert scene.environment.state == "building"


def test_rebuild_deploys_the_same_commit_without_cache(scene: Scenario) -> None:
    first = scene.live(A)
    again = services.rebuild(scene.environment, by=Actor.person("alice"))
    assert again.commit == A and again.no_cache and again.pk != first.pk
    scene.push(A, at=3)
    assert scene.candidate() == again
    scene.close(at=4)
    with pytest.raises(PullRequestClosed):
        services.rebuild(scene.environment, by=Actor.person("alice"))


def test_another_agent_cannot_speak_for_it(scene: Scenario) -> None:
    scene.push(A)
    scene.ready(scene.candidate(), agent=factories.agent(state="online").pk)
    assert scene.candidate().ready_at is None


def test_moved_endpoints_of_live_are_kept_older_news_ignored(scene: Scenario) -> None:
    live = scene.live(A)
    scene.observe(live, web("http://10.0.0.9:80"), at=10)
    scene.observe(live, web("http://10.0.0.5:80"), at=5)
    assert scene.environment.services[0]["endpoint"] == "http://10.0.0.9:80"


def test_a_service_that_is_down_keeps_the_endpoint_at_which_requests_for_it_are_held(scene: Scenario) -> None:
    live = scene.live(A)
    scene.observe(live, web("http://10.0.0.9:80"), at=10)
    lost = {"endpoint": None, "state": ServiceState.RESTARTING, "labels": ["pr-1-shop"]}
    down = web().model_copy(update=lost)
    scene.observe(live, down, at=11)
    scene.observe(live, down, at=12)
    (service,) = scene.environment.services
    assert (service["state"], service["endpoint"]) == ("restarting", "http://10.0.0.9:80")
    scene.observe(live, web("http://10.0.0.5:80"), at=13)
    assert scene.environment.services[0]["endpoint"] == "http://10.0.0.5:80"
    scene.observe(live, down.model_copy(update={"labels": []}), at=14)
    assert scene.environment.services[0]["endpoint"] is None, "it is not routed any more"


def test_routes_follow_an_agent_whose_clock_was_set_back(scene: Scenario) -> None:
    live = scene.live(A)
    scene.observe(live, web("http://10.0.0.9:80"), at=3 * 3600)  # the scene is an hour ago: two hours ahead
    assert scene.environment.observed_at <= timezone.now()
    scene.clock = timezone.now()
    scene.observe(live, web("http://10.0.0.5:80"))
    assert scene.environment.services[0]["endpoint"] == "http://10.0.0.5:80"


def test_waiting_environment_is_placed_when_an_agent_comes(scene: Scenario) -> None:
    scene.agent.state = "offline"
    scene.agent.save()
    scene.push(A)
    waiting = scene.candidate()
    assert (waiting.agent, waiting.waits_for) == (None, "an agent: none is online")
    assert scene.placement() is None
    assert services.place_waiting() == 0
    scene.agent.state = "online"
    scene.agent.save()
    assert services.place_waiting() == 1
    assert (scene.candidate().agent, scene.candidate().waits_for) == (scene.agent, "")
    assert scene.desired() is not None
    assert services.place_waiting() == 0


def test_never_placed_environment_is_gone_at_once(scene: Scenario) -> None:
    scene.agent.delete()
    scene.push(A)
    scene.close(at=1)
    assert scene.environment.removed_at is not None


def test_lost_agent_fails_what_is_in_progress_after_a_minute(scene: Scenario) -> None:
    scene.push(A)
    assert services.lost_contact(scene.agent) == 0
    Deployment.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    assert services.lost_contact(scene.agent) == 1
    assert scene.deployment(A).reason == "agent_lost_contact"
    scene.ready(scene.deployment(A))
    assert scene.deployment(A).state == "failed"


def test_two_workspaces_with_the_same_repository_have_two_names(scene: Scenario) -> None:
    other = Scenario.make("shop-of-others")
    other.project.slug = "shop"
    other.project.save()
    scene.push(A)
    other.push(A)
    assert scene.environment.name != other.environment.name
    assert other.environment.name.startswith("pr-1-shop-")


def test_switched_off_projects_get_no_preview(scene: Scenario) -> None:
    scene.project.previews_enabled = False
    scene.project.save()
    assert scene.push(A) == "no preview: previews are switched off for this project"
    assert not Environment.objects.exists()


def test_forks_get_no_preview(scene: Scenario) -> None:
    news = replace(scene.news("opened", A, 0), from_fork=True)
    assert scene.tell(news).startswith("no preview: it comes from a fork")
    assert not Environment.objects.exists()


def test_preview_without_a_commit_for_its_time_to_live_is_stopped(scene: Scenario) -> None:
    scene.live(A)
    assert services.expire() == 0
    Environment.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert services.expire() == 1
    assert scene.environment.state == "terminated"
    scene.push(A, at=9)  # the forge sweep
    assert scene.environment.state == "terminated"
    scene.push(B, at=10)
    assert scene.environment.state == "building"
