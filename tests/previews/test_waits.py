"""Whoever looks at a preview that does not go on learns what it waits for, and since when."""

from datetime import timedelta

import pytest
from django.utils import timezone

from seatrial.control.fleet.models import Agent
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.waits import wait as evaluation_waits
from seatrial.control.previews import routes, services
from seatrial.control.previews.models import Deployment
from seatrial.control.previews.waits import waits
from seatrial.control.worker.routes import explain
from tests.previews.scenario import Scenario

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
A = "a" * 40


@pytest.fixture
def scene() -> Scenario:
    return Scenario.make()


def what(scene: Scenario) -> str:
    found = waits([scene.environment.pk]).get(scene.environment.pk)
    return found.what if found else ""


def sent() -> None:
    OutboxMessage.objects.update(published_at=timezone.now())


def agent(scene: Scenario, **fields: object) -> None:
    Agent.objects.filter(pk=scene.agent.pk).update(name="one", **fields)


def test_a_build_that_waits_for_its_turn_knows_its_place(scene: Scenario) -> None:
    scene.push(A)
    sent()
    candidate = scene.candidate()
    scene.phase(candidate, "build web")
    queue = ["another", candidate.pk, candidate.pk]
    agent(scene, last_heartbeat_at=timezone.now(), heartbeat={"build_queue": queue, "builds_at_once": 4})
    (found,) = waits([scene.environment.pk]).values()
    assert (found.place, found.queued) == (2, 3)
    assert found.what == ("agent one to build it: it builds 4 at the same time (GALLEY_MAX_PARALLEL_BUILDS)")
    agent(scene, heartbeat={"build_queue": ["another"], "builds_at_once": 4})
    assert what(scene) == "agent one: build web"


def test_each_step_of_a_deployment_names_what_it_waits_for(scene: Scenario) -> None:
    agent(scene, state="offline")
    scene.push(A)
    assert what(scene) == "an agent: none is online"
    agent(scene, state="online")
    services.place_waiting()
    assert what(scene) == "agent one to begin", "its message is just being sent"
    past = timezone.now() - timedelta(seconds=60)
    OutboxMessage.objects.update(created_at=past, due_at=past)
    assert what(scene) == "the bus: its agent has not got its instructions yet"
    sent()
    assert what(scene) == "agent one to begin"
    deployment = scene.candidate()
    scene.phase(deployment, "build web")
    assert what(scene) == "agent one: build web"
    scene.phase(deployment, "build web", seconds=1.0)
    assert what(scene) == "agent one"
    scene.ready(deployment)
    assert what(scene) == "its route"
    Deployment.objects.update(waits_for="its route: Traefik is away")
    assert what(scene) == "its route: Traefik is away"
    scene.switch()
    assert what(scene) == "", "it waits for nothing once it is live"


def test_a_failure_whose_message_sounds_like_waiting_is_no_wait(scene: Scenario) -> None:
    agent(scene)
    scene.push(A)
    sent()
    Deployment.objects.update(message="Waits for nobody knows what.")
    assert what(scene) == "agent one to begin"
    scene.ready(scene.candidate())
    assert what(scene) == "its route"


@pytest.mark.parametrize("end", ["live", "failed", "superseded", "cancelled"])
def test_whatever_ends_a_deployment_ends_its_waiting(scene: Scenario, end: str) -> None:
    scene.push(A)
    scene.ready(scene.candidate())
    candidate = routes.candidate(scene.environment)
    assert candidate is not None
    explain(candidate, "Traefik is away")
    waiting = scene.candidate()
    assert waiting.shown_message == "Waits for its route: Traefik is away."
    match end:
        case "live":
            scene.switch()
        case "failed":
            scene.fail(waiting)
        case "superseded":
            scene.push("b" * 40, at=1)
        case "cancelled":
            scene.close(at=1)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.waits_for) == (end, "")
    explain(candidate, "Traefik is away")
    waiting.refresh_from_db()
    assert waiting.waits_for == "", "a worker that is late does not bring it back"


@pytest.mark.parametrize(
    ("state", "silent_seconds", "said"),
    [("offline", 90, "which is offline"), ("online", 45, "which is silent"), ("online", 5, "to begin")],
)
def test_an_agent_that_is_not_heard_is_named_with_when_it_was_heard_last(
    scene: Scenario, state: str, silent_seconds: int, said: str
) -> None:
    scene.push(A)
    sent()
    heard = timezone.now() - timedelta(seconds=silent_seconds)
    agent(scene, state=state, last_heartbeat_at=heard)
    found = waits([scene.environment.pk])[scene.environment.pk]
    assert said in found.what
    assert found.since == (scene.candidate().created_at if said == "to begin" else heard)


def test_a_removal_waits_for_its_agent(scene: Scenario) -> None:
    scene.live(A)
    agent(scene)
    scene.close(at=1)
    sent()
    assert what(scene) == "agent one to remove it"
    agent(scene, state="offline")
    assert what(scene) == "agent one, which is offline, to remove it"
    scene.removed(scene.environment)
    assert what(scene) == ""


def test_what_is_to_be_sent_later_is_not_waited_for(scene: Scenario) -> None:
    scene.push(A)
    sent()
    row = OutboxMessage.objects.filter(subject="desired").first()
    assert row is not None
    past, later = timezone.now() - timedelta(seconds=60), timezone.now() + timedelta(seconds=60)
    OutboxMessage.objects.filter(pk=row.pk).update(published_at=None, created_at=past, due_at=later)
    assert "the bus" not in what(scene)
    OutboxMessage.objects.filter(pk=row.pk).update(attempts=1)
    assert "the bus" in what(scene), "it was tried in vain"


@pytest.mark.parametrize(
    ("state", "queued", "waits_for", "what"),
    [
        ("queued", False, "", "the forge's facts about the repository"),
        ("queued", False, "the forge's facts about the repository (away.)", "the forge's facts about the repository (away.)"),
        ("queued", True, "", "an agent to take it"),
        ("running", True, "", "its policies"),
        ("passed", True, "", ""),
    ],
)  # fmt: skip
def test_an_evaluation_says_who_has_to_do_something(
    state: str, queued: bool, waits_for: str, what: str
) -> None:
    now = timezone.now()
    evaluation = Evaluation(
        state=state, queued_at=now if queued else None, waits_for=waits_for, created_at=now, started_at=now
    )
    found = evaluation_waits(evaluation)
    assert (found[0] if found else "") == what
