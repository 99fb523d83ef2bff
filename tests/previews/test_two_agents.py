"""An environment on two hosts: where each deployment is, which agent's reports count, and how a host is left."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.fleet import services as fleet
from seatrial.control.fleet.errors import FleetError
from seatrial.control.fleet.models import Agent
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.previews import services
from seatrial.control.previews.errors import CannotMove
from seatrial.control.previews.models import Deployment, Placement
from seatrial.control.previews.placements import leaving_time
from seatrial.wire.deployments import ObservedService
from seatrial.wire.states import ServiceKind
from tests import factories
from tests.previews.scenario import Scenario, check_invariants, web

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
A, B, C = (letter * 40 for letter in "abc")
DB = ObservedService(name="db", kind=ServiceKind.DATABASE, state="running", keeps_data=True)


@pytest.fixture
def scene() -> Scenario:
    return Scenario.make()


@pytest.fixture
def other(scene: Scenario) -> Agent:
    return factories.agent("other")


def becomes(agent: Agent, state: str) -> None:
    Agent.objects.filter(pk=agent.pk).update(state=state)


def keep(scene: Scenario, commit: str, *services: ObservedService, at: int = 0) -> Deployment:
    scene.push(commit, at)
    scene.ready(scene.candidate(), *(services or (web(), DB)))
    scene.switch()
    return scene.deployment(commit)


def elsewhere(scene: Scenario, other: Agent) -> tuple[Deployment, Deployment]:
    """Live on the scene's agent, which is offline; a candidate on the other."""
    live = scene.live(A)
    becomes(scene.agent, "offline")
    scene.push(B, at=1)
    return live, scene.candidate()


def time_passes(placement: Placement) -> None:
    Placement.objects.filter(pk=placement.pk).update(leaving_since=timezone.now() - leaving_time())


def test_each_agent_gets_its_own_deployment_only(scene: Scenario, other: Agent) -> None:
    live, candidate = elsewhere(scene, other)
    here, there = scene.desired(), scene.desired(other)
    assert here is not None and here.live is not None and here.live.id == live.pk
    assert here.candidate is None
    assert there is not None and there.candidate is not None and there.candidate.id == candidate.pk
    assert there.live is None


def test_after_the_switch_the_first_agent_drains_then_forgets(scene: Scenario, other: Agent) -> None:
    _, candidate = elsewhere(scene, other)
    scene.ready(candidate)
    scene.switch()
    there = scene.desired(other)
    assert there is not None and there.live is not None and there.live.id == candidate.pk
    here, placement = scene.desired(), scene.placement()
    assert here is not None and (here.live, here.candidate) == (None, None)
    assert placement is not None and placement.leaving_since is not None
    later = OutboxMessage.objects.filter(subject="desired", due_at__gt=timezone.now())
    assert later.filter(body={"environment": scene.environment.pk}).count() == 1
    time_passes(placement)
    assert scene.desired() is None
    scene.removed(scene.environment, other)  # which is not to leave
    scene.removed(scene.environment)
    assert scene.placement().removed_at is not None
    assert scene.placement(other).removed_at is None
    assert scene.environment.removed_at is None
    check_invariants(scene.project)


def test_what_an_agent_should_see_changes_with_a_higher_revision(scene: Scenario, other: Agent) -> None:
    seen: list[int] = []
    scene.push(A)
    seen.append(scene.desired().revision)
    scene.ready(scene.candidate())
    scene.switch()
    seen.append(scene.desired().revision)
    becomes(scene.agent, "offline")
    scene.push(B, at=1)
    scene.ready(scene.candidate())
    scene.switch()
    seen.append(scene.desired().revision)
    time_passes(scene.placement())
    scene.removed(scene.environment)
    becomes(scene.agent, "online")
    becomes(other, "offline")
    scene.push(C, at=2)  # a new placement of the same pair
    seen.append(scene.desired().revision)
    assert seen == sorted(set(seen))
    assert scene.environment.placements.filter(agent=scene.agent).count() == 2


def test_an_agent_that_is_wanted_again_while_it_leaves_comes_back(scene: Scenario, other: Agent) -> None:
    _, candidate = elsewhere(scene, other)
    scene.ready(candidate)
    scene.switch()
    left = scene.placement()
    time_passes(left)
    becomes(scene.agent, "online")
    becomes(other, "offline")
    scene.push(C, at=2)
    assert scene.candidate().agent == scene.agent
    back = scene.placement()
    assert back.pk == left.pk and back.leaving_since is None
    scene.removed(scene.environment)  # of its leaving, late
    assert scene.placement().removed_at is None
    assert scene.desired().candidate is not None


def test_nobody_speaks_for_a_deployment_of_another_agent(scene: Scenario, other: Agent) -> None:
    live, candidate = elsewhere(scene, other)
    scene.phase(candidate, "checkout", agent=scene.agent.pk)
    scene.ready(candidate, agent=scene.agent.pk)
    scene.fail(candidate, agent=scene.agent.pk)
    scene.phase(live, "lies", agent=other.pk)
    scene.observe(live, web("http://10.6.6.6:80"), at=60, agent=other.pk)
    scene.observe(candidate, web("http://10.6.6.6:80"), at=60, agent=other.pk)
    scene.removed(scene.environment, other)
    now = scene.candidate()
    assert (now.state, now.ready_at, now.phases.count()) == ("queued", None, 0)
    assert not live.phases.filter(name="lies").exists()
    assert scene.environment.services[0]["endpoint"] == "http://10.0.0.1:80"
    assert scene.placement(other).removed_at is None
    scene.phase(candidate, "checkout")
    assert scene.candidate().state == "building"


def test_an_agent_whose_clock_is_behind_is_heard_after_the_switch(scene: Scenario, other: Agent) -> None:
    live, candidate = elsewhere(scene, other)
    scene.observe(live, web("http://10.0.0.2:80"), at=1_000)
    scene.ready(candidate)
    scene.switch()
    scene.observe(candidate, web("http://10.0.0.3:80"), at=10)
    assert scene.environment.services[0]["endpoint"] == "http://10.0.0.3:80"


def test_a_candidate_that_fails_elsewhere_leaves_there_and_live_stays(scene: Scenario, other: Agent) -> None:
    live, candidate = elsewhere(scene, other)
    scene.fail(candidate)
    assert scene.placement(other).leaving_since is not None
    assert scene.placement().leaving_since is None
    assert scene.environment.live == live


def test_data_keeps_the_next_deployment_waiting_for_its_agent(scene: Scenario, other: Agent) -> None:
    keep(scene, A)
    becomes(scene.agent, "offline")
    scene.push(B, at=1)
    waiting = scene.candidate()
    assert waiting.agent == scene.agent
    assert waiting.waits_for == f"agent {scene.agent.name}, which is offline: it has the data of db"
    assert waiting.shown_message == f"Waits for {waiting.waits_for}."
    Deployment.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    assert services.lost_contact(scene.agent) == 0, "it goes on waiting, however long that takes"
    assert scene.candidate() == waiting
    becomes(scene.agent, "online")
    scene.phase(scene.candidate(), "checkout")
    assert (scene.candidate().state, scene.candidate().waits_for) == ("building", "")


def test_data_that_is_lost_sight_of_in_the_middle_is_waited_for_by_doing_as_it_says(
    scene: Scenario, other: Agent
) -> None:
    keep(scene, A)
    scene.push(B, at=1)
    scene.phase(scene.candidate(), "checkout")
    becomes(scene.agent, "offline")
    Deployment.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    assert services.lost_contact(scene.agent) == 1
    failed = scene.deployment(B)
    assert failed.reason == "agent_lost_contact"
    assert "it has the data of db. Rebuild, or push a commit: it goes on when" in failed.message
    again = services.rebuild(scene.environment, by=Actor.person("alice"))
    Deployment.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    assert services.lost_contact(scene.agent) == 0
    again.refresh_from_db()
    assert again.waits_for == f"agent {scene.agent.name}, which is offline: it has the data of db"
    fleet.revoke(scene.agent, by=Actor.person("root"))
    services.place_waiting()
    assert scene.candidate().agent == other, "it does not wait for one that never comes back"


def test_what_was_queued_when_its_agent_went_silent_says_what_it_waits_for(
    scene: Scenario, other: Agent
) -> None:
    keep(scene, A)
    scene.push(B, at=1)
    assert scene.candidate().waits_for == ""
    becomes(scene.agent, "offline")
    Deployment.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    assert services.lost_contact(scene.agent) == 0
    assert scene.candidate().waits_for.startswith(f"agent {scene.agent.name}, which is offline")


def test_what_waits_no_more_does_not_say_so(scene: Scenario, other: Agent) -> None:
    keep(scene, A)
    becomes(scene.agent, "offline")
    scene.push(B, at=1)
    scene.push(C, at=2)
    assert (scene.deployment(B).state, scene.deployment(B).shown_message) == ("superseded", "")


def test_the_message_goes_when_the_agent_takes_it_up(scene: Scenario, other: Agent) -> None:
    keep(scene, A)
    becomes(scene.agent, "offline")
    scene.push(B, at=1)
    assert scene.candidate().waits_for
    scene.phase(scene.candidate(), "checkout")
    assert scene.candidate().shown_message == ""


def test_without_data_a_lost_deployment_may_go_elsewhere_as_it_says(scene: Scenario, other: Agent) -> None:
    scene.push(A)
    becomes(scene.agent, "offline")
    Deployment.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    assert services.lost_contact(other) == 0
    assert services.lost_contact(scene.agent) == 1
    assert "it goes to an agent that is online" in scene.deployment(A).message
    assert services.rebuild(scene.environment, by=Actor.person("alice")).agent == other


@pytest.mark.parametrize(
    ("observed", "stays"),
    [
        (ObservedService(name="s", kind=ServiceKind.DATABASE, state="running"), True),
        (ObservedService(name="s", kind=ServiceKind.DATABASE, state="running", keeps_data=False), False),
        (ObservedService(name="s", kind=ServiceKind.WORKER, state="running", keeps_data=True), True),
        (ObservedService(name="s", kind=ServiceKind.WORKER, state="running"), False),
    ],
)
def test_what_the_agent_says_of_a_service_decides_before_its_kind(
    scene: Scenario, other: Agent, observed: ObservedService, stays: bool
) -> None:
    keep(scene, A, web(), observed)
    becomes(scene.agent, "draining")
    scene.push(B, at=1)
    assert scene.candidate().agent == (scene.agent if stays else other)


def test_rows_of_before_say_it_by_their_kind(scene: Scenario, other: Agent) -> None:
    keep(scene, A)
    environment = scene.environment
    environment.services = [
        {k: v for k, v in row.items() if k != "keeps_data"} for row in environment.services
    ]
    environment.save()
    becomes(scene.agent, "draining")
    scene.push(B, at=1)
    assert scene.candidate().agent == scene.agent


def test_revoked_agents_previews_come_up_elsewhere_without_their_data(scene: Scenario, other: Agent) -> None:
    keep(scene, A)
    expires = scene.environment.expires_at
    fleet.revoke(scene.agent, by=Actor.person("root"))
    assert services.place_waiting() == 1
    candidate = scene.candidate()
    assert (candidate.agent, candidate.commit) == (other, A)
    assert candidate.warnings == [
        f"The data of db was on agent {scene.agent.name}, which is revoked: this deployment begins without it."
    ]
    assert scene.environment.expires_at == expires
    assert scene.placement().removed_at is None, "what it serves is there until the switch"
    for _ in range(2):
        scene.ready(candidate)
    assert len(scene.candidate().warnings) == 1
    scene.switch()
    assert services.place_waiting() == 0
    assert scene.placement().removed_at is not None
    check_invariants(scene.project)


def test_a_revoked_agents_preview_that_fails_elsewhere_is_not_tried_for_ever(
    scene: Scenario, other: Agent
) -> None:
    keep(scene, A)
    fleet.revoke(scene.agent, by=Actor.person("root"))
    services.place_waiting()
    scene.fail(scene.candidate())
    assert services.place_waiting() == 0
    assert scene.environment.candidate is None


def test_what_was_in_progress_on_a_revoked_agent_begins_anew(scene: Scenario, other: Agent) -> None:
    scene.push(A)
    first = scene.candidate()
    fleet.revoke(scene.agent, by=Actor.person("root"))
    assert services.place_waiting() == 1
    assert scene.candidate().pk != first.pk and scene.candidate().agent == other
    first.refresh_from_db()
    assert first.state == "superseded"
    scene.ready(first)
    assert scene.candidate().ready_at is None


def test_a_terminated_environment_is_gone_when_every_host_is_left(scene: Scenario, other: Agent) -> None:
    elsewhere(scene, other)
    scene.close(at=2)
    assert scene.desired() is None and scene.desired(other) is None
    scene.removed(scene.environment, other)
    assert scene.environment.removed_at is None
    scene.removed(scene.environment)
    assert scene.environment.removed_at is not None


def test_a_terminated_environment_does_not_wait_for_a_revoked_agent(scene: Scenario) -> None:
    scene.live(A)
    scene.close(at=1)
    fleet.revoke(scene.agent, by=Actor.person("root"))
    services.place_waiting()
    assert scene.environment.removed_at is not None


def test_a_draining_agent_takes_nothing_new_until_it_is_undrained(scene: Scenario, other: Agent) -> None:
    from seatrial.wire.agents import Heartbeat

    for _ in range(2):
        fleet.drain(scene.agent, by=Actor.person("root"))
    scene.push(A)
    assert scene.candidate().agent == other
    Agent.objects.filter(pk=scene.agent.pk).update(state="offline")  # its host is restarted
    assert fleet.heartbeat(scene.agent.pk, Heartbeat(release="1"))
    assert Agent.objects.get(pk=scene.agent.pk).state == "draining"
    for _ in range(2):
        fleet.undrain(scene.agent, by=Actor.person("root"))
    assert Agent.objects.get(pk=scene.agent.pk).state == "online"
    said = AuditEntry.objects.filter(action__startswith="agent.").values_list("action", "actor")
    assert sorted(said) == [("agent.drain", "root"), ("agent.undrain", "root")]
    fleet.revoke(scene.agent, by=Actor.person("root"))
    with pytest.raises(FleetError):
        fleet.drain(scene.agent, by=Actor.person("root"))


def test_the_plan_of_a_drain_says_what_moves_and_what_stays(scene: Scenario, other: Agent) -> None:
    keep(scene, A)
    free = Scenario(factories.project(scene.project.workspace, "till"), scene.agent)
    Agent.objects.filter(pk=other.pk).update(state="offline")
    free.live(B)
    assert [(row.environment.name, row.stays) for row in services.plan_drain(scene.agent)] == [
        ("pr-1-shop", True),
        ("pr-1-till", True),  # nobody else is online
    ]
    becomes(other, "online")
    pinned, moves = services.plan_drain(scene.agent)
    assert (pinned.stays, pinned.to, pinned.reason) == (True, None, "the data of db is here")
    assert (moves.stays, moves.to) == (False, other.pk)
    assert services.plan_drain(other) == []


def test_the_plan_of_a_drain_makes_as_many_queries_for_many_previews_as_for_one(
    scene: Scenario, other: Agent
) -> None:
    scene.live(A)
    with CaptureQueriesContext(connection) as few:
        assert len(services.plan_drain(scene.agent)) == 1
    becomes(other, "offline")
    for name in ("till", "scale", "shelf"):
        Scenario(factories.project(scene.project.workspace, name), scene.agent).live(B)
    becomes(other, "online")
    with CaptureQueriesContext(connection) as many:
        assert len(services.plan_drain(scene.agent)) == 4
    assert len(many) == len(few)


def test_a_move_deploys_the_same_commit_elsewhere_once(scene: Scenario, other: Agent) -> None:
    live = scene.live(A)
    assert services.move(scene.environment, off=scene.agent, by=Actor.person("root"))
    assert not services.move(scene.environment, off=scene.agent, by=Actor.person("root")), "it is on its way"
    candidate = scene.candidate()
    assert (candidate.agent, candidate.commit) == (other, A)
    assert scene.environment.live == live
    scene.ready(candidate)
    scene.switch()
    assert not services.move(scene.environment, off=scene.agent, by=Actor.person("root")), (
        "it is gone from there"
    )
    (entry,) = AuditEntry.objects.filter(action="environment.move")
    assert entry.details == {"off": scene.agent.name, "to": other.pk}


def test_what_its_data_pins_cannot_move(scene: Scenario, other: Agent) -> None:
    keep(scene, A)
    with pytest.raises(CannotMove, match="has the data of db"):
        services.move(scene.environment, off=scene.agent, by=Actor.person("root"))
    assert scene.environment.candidate is None


def test_what_was_refused_for_lack_of_an_engine_goes_where_one_is(scene: Scenario, other: Agent) -> None:
    becomes(other, "offline")
    runs(scene.agent, "process")
    scene.push(A)
    scene.fail(scene.candidate(), "needs_engine")
    assert scene.deployment(A).reason == "needs_engine", "nobody else is online"
    scene.push(B, at=1)
    becomes(other, "online")
    refused = scene.candidate()
    assert refused.agent == scene.agent
    for _ in range(2):
        scene.fail(refused, "needs_engine")
    assert (scene.candidate().agent, scene.candidate().commit) == (other, B)
    refused.refresh_from_db()
    assert refused.state == "superseded"
    scene.fail(scene.candidate(), "build_failed")
    assert scene.environment.candidate is None, "any other failure is one"
    check_invariants(scene.project)


def test_data_on_an_agent_without_an_engine_is_not_left_for_what_needs_one(
    scene: Scenario, other: Agent
) -> None:
    becomes(other, "draining")
    runs(scene.agent, "process")
    keep(scene, A)
    becomes(other, "online")
    scene.push(B, at=1)
    scene.fail(scene.candidate(), "needs_engine")
    assert scene.environment.candidate is None and scene.deployment(B).reason == "needs_engine"


def runs(agent: Agent, runtime: str) -> None:
    Agent.objects.filter(pk=agent.pk).update(heartbeat={**agent.heartbeat, "runtime": runtime})
