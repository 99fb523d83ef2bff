"""Agents ask for the variables of a deployment: who gets which, and that only the asker can open them."""

import asyncio
from typing import Any

import pytest
from django.db import close_old_connections
from django.utils import timezone

from seatrial.agent.bus.identity import Identity
from seatrial.agent.bus.variables import BusVariables
from seatrial.agent.vocabulary.errors import NoVariables
from seatrial.control.bus import Bus
from seatrial.control.previews.desired import desired
from seatrial.control.variables import setting
from seatrial.control.variables.entries import Entry
from seatrial.control.worker.database import Database
from seatrial.control.worker.giving import NotGiven
from seatrial.control.worker.variables import answered, variables
from seatrial.wire import subjects
from seatrial.wire.credentials import CredentialRefusal
from seatrial.wire.states import AgentState
from seatrial.wire.variables import AskVariables, SealedVariables, Values
from tests import factories
from tests.bus.conftest import bus, configuration, nats_server
from tests.variables.scene import ALICE, put
from tests.worker.askers import Fleet, fleet_of_two, site, until

__all__ = ["bus", "configuration", "fleet_of_two", "nats_server", "site"]
pytestmark = [pytest.mark.nats, pytest.mark.postgres]


def question(scene: Fleet, **changed: str) -> AskVariables:
    assert scene.environment.candidate is not None
    whole = {"environment": scene.environment.pk, "deployment": scene.environment.candidate.pk}
    return AskVariables(**{**whole, **changed})


def opened(scene: Fleet, name: str, answer: Any) -> Values:
    assert isinstance(answer, SealedVariables)
    return Values.model_validate_json(Identity.load(scene.directory / name).unseal(answer.sealed))


def begun(scene: Fleet) -> None:
    """The candidate begins now, with what is set."""
    scene.environment.candidate = factories.deployment(scene.environment)
    scene.environment.save()


@pytest.mark.django_db
def test_the_agent_of_a_deployment_is_given_what_it_began_with(fleet_of_two: Fleet) -> None:
    one = fleet_of_two.agents["one"].pk
    put(fleet_of_two.project.workspace, LEVEL="info", secret=False)
    put(fleet_of_two.project, KEY="hunter22")
    put(fleet_of_two.project, "forks", KEY="fake")
    begun(fleet_of_two)
    put(fleet_of_two.project, KEY="hunter33")
    given = opened(fleet_of_two, "one", answered(one, question(fleet_of_two)))
    assert (given.values, given.secret) == ({"LEVEL": "info", "KEY": "hunter22"}, ["KEY"])
    begun(fleet_of_two)
    given = opened(fleet_of_two, "one", answered(one, question(fleet_of_two)))
    assert given.values["KEY"] == "hunter33"


@pytest.mark.django_db
def test_a_pull_request_from_a_fork_gets_what_is_set_for_forks_although_it_is_approved(
    fleet_of_two: Fleet,
) -> None:
    put(fleet_of_two.project.workspace, LEVEL="info")
    put(fleet_of_two.project, KEY="hunter22")
    put(fleet_of_two.project, "forks", KEY="fake")
    pull_request = fleet_of_two.environment.pull_request
    pull_request.from_fork, pull_request.approved_sha = True, pull_request.head_sha
    pull_request.save()
    begun(fleet_of_two)
    given = opened(fleet_of_two, "one", answered(fleet_of_two.agents["one"].pk, question(fleet_of_two)))
    assert given.values == {"KEY": "fake"}


@pytest.mark.django_db
def test_builds_are_given_what_is_permitted_for_them(fleet_of_two: Fleet) -> None:
    project, one = fleet_of_two.project, fleet_of_two.agents["one"].pk
    setting.put(project, [Entry("KEY", "hunter22", builds=True), Entry("OTHER", "hunter33")], by=ALICE)
    setting.put(project, [Entry("OTHER", "fake", tier="forks", builds=True)], by=ALICE)
    begun(fleet_of_two)
    given = opened(fleet_of_two, "one", answered(one, question(fleet_of_two)))
    assert given.builds == ["KEY"] and set(given.secret) == {"KEY", "OTHER"}
    pull_request = fleet_of_two.environment.pull_request
    pull_request.from_fork, pull_request.approved_sha = True, pull_request.head_sha
    pull_request.save()
    given = opened(fleet_of_two, "one", answered(one, question(fleet_of_two)))
    assert (given.values, given.builds) == ({"OTHER": "fake"}, ["OTHER"])
    setting.put(project, [Entry("OTHER", "fake", tier="forks")], by=ALICE)
    begun(fleet_of_two)
    given = opened(fleet_of_two, "one", answered(one, question(fleet_of_two)))
    assert given.builds == [], "it is permitted no more"


@pytest.mark.django_db
def test_nobody_else_gets_any(fleet_of_two: Fleet) -> None:
    one, two = (fleet_of_two.agents[name] for name in ("one", "two"))
    put(fleet_of_two.project, KEY="hunter22")
    begun(fleet_of_two)
    other = factories.environment(factories.pull_request(fleet_of_two.project), agent=two)
    candidate = fleet_of_two.environment.candidate
    assert candidate is not None

    def code(agent: str, **changed: str) -> str:
        with pytest.raises(NotGiven) as refused:
            answered(agent, question(fleet_of_two, **changed))
        assert "hunter" not in str(refused.value)
        return refused.value.refusal

    assert code(two.pk) == CredentialRefusal.NOT_YOURS
    assert code(one.pk, environment=other.pk) == CredentialRefusal.NOT_YOURS
    assert code(one.pk, deployment="01NOWHERE") == CredentialRefusal.NOT_YOURS
    assert code("nobody") == CredentialRefusal.UNKNOWN_AGENT
    type(candidate).objects.update(confirmed_at=None)
    assert code(one.pk) == CredentialRefusal.NOT_YOURS, "its forge has not confirmed it"
    type(candidate).objects.update(confirmed_at=timezone.now())
    assert isinstance(answered(one.pk, question(fleet_of_two)), SealedVariables)
    fleet_of_two.environment.state = "terminated"
    fleet_of_two.environment.save()
    assert code(one.pk) == CredentialRefusal.NOT_YOURS
    one.state = AgentState.REVOKED
    one.save()
    assert code(one.pk) == CredentialRefusal.UNKNOWN_AGENT


@pytest.mark.django_db
def test_the_desired_state_says_that_there_are_some_and_not_which(fleet_of_two: Fleet) -> None:
    placement = fleet_of_two.environment.placements.get()
    before = desired(placement)
    put(fleet_of_two.project, KEY="hunter22")
    begun(fleet_of_two)
    placement.refresh_from_db()
    after = desired(placement)
    assert before is not None and before.candidate is not None and not before.candidate.variables
    assert after is not None and after.candidate is not None and after.candidate.variables
    assert "hunter22" not in after.model_dump_json() and "KEY" not in after.model_dump_json()


@pytest.mark.django_db(transaction=True)
async def test_over_the_bus_they_are_sealed(database: Database, bus: Bus, fleet_of_two: Fleet) -> None:
    def prepared() -> None:
        put(fleet_of_two.project, KEY="hunter22")
        begun(fleet_of_two)
        close_old_connections()

    await database.run(prepared)
    carried: list[bytes] = []

    async def note(message: Any) -> None:
        carried.append(message.data)

    await bus.client.subscribe(">", cb=note)
    working = asyncio.create_task(variables(database, bus).run())
    try:
        listen = bus.client._subs
        await until(lambda: any(one.subject == subjects.VARIABLES for one in listen.values()))
        await bus.client.flush(60)
        asked = question(fleet_of_two)
        async with fleet_of_two.asking("one") as asks:
            given = await BusVariables(asks._bus, asks._unseal)(asked.environment, asked.deployment)
        assert given.secrets == {"KEY": "hunter22"} and "hunter22" not in repr(given)
        async with fleet_of_two.asking("two") as asks:
            with pytest.raises(NoVariables, match=r"Agent two does not have deployment .* \(not_yours\)"):
                await BusVariables(asks._bus, asks._unseal)(asked.environment, asked.deployment)
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    assert any(b"SealedVariables" in data for data in carried)
    assert not any(b"hunter22" in data for data in carried)
