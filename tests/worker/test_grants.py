"""Which agent gets a source credential, decided by the rows of the database."""

from collections.abc import Callable

import pytest

from seatrial.control.policies.models import Evaluation
from seatrial.control.worker import grants
from seatrial.control.worker.grants import NotGranted
from seatrial.wire.credentials import CredentialRefusal
from seatrial.wire.states import AgentState
from tests import factories
from tests.bus.conftest import nats_server
from tests.worker.askers import Fleet, fleet_of_two, question, site

__all__ = ["fleet_of_two", "nats_server", "site"]
pytestmark = [pytest.mark.nats, pytest.mark.postgres, pytest.mark.django_db]


def stopped(scene: Fleet) -> None:
    scene.environment.state = "terminated"
    scene.environment.save()


def moved(scene: Fleet) -> None:
    assert scene.environment.candidate is not None
    scene.environment.candidate.agent = scene.agents["two"]
    scene.environment.candidate.save()


def failed(scene: Fleet) -> None:
    scene.environment.candidate = None
    scene.environment.save()


def revoked(scene: Fleet) -> None:
    scene.agents["one"].state = AgentState.REVOKED
    scene.agents["one"].save()


@pytest.mark.parametrize("change", [stopped, moved, failed, revoked])
def test_an_agent_that_no_longer_has_the_preview_gets_no_credential(
    fleet_of_two: Fleet, change: Callable[[Fleet], None]
) -> None:
    one = fleet_of_two.agents["one"].pk
    assert grants.claim(one, question(fleet_of_two)).project == fleet_of_two.project
    change(fleet_of_two)
    with pytest.raises(NotGranted) as refused:
        grants.claim(one, question(fleet_of_two))
    wanted = CredentialRefusal.UNKNOWN_AGENT if change is revoked else CredentialRefusal.NOT_YOURS
    assert (refused.value.code, refused.value.retry_after_seconds) == (wanted, None)


def test_the_live_deployments_agent_may_fetch_beside_the_candidates(fleet_of_two: Fleet) -> None:
    environment = fleet_of_two.environment
    environment.live, environment.candidate = (
        environment.candidate,
        factories.deployment(environment, agent=fleet_of_two.agents["two"]),
    )
    environment.save()
    for agent in fleet_of_two.agents.values():
        assert grants.claim(agent.pk, question(fleet_of_two)).agent == agent


@pytest.mark.parametrize("state", ["passed", "superseded", "errored"])
def test_an_evaluation_that_has_ended_gets_no_credential(fleet_of_two: Fleet, state: str) -> None:
    ask = question(fleet_of_two, environment="", evaluation=fleet_of_two.evaluation.pk)
    one = fleet_of_two.agents["one"].pk
    assert grants.claim(one, ask).project == fleet_of_two.project
    Evaluation.objects.update(state=state)
    with pytest.raises(NotGranted) as refused:
        grants.claim(one, ask)
    assert (refused.value.code, refused.value.retry_after_seconds) == (CredentialRefusal.NOT_YOURS, None)
