"""Agents ask for a registry login before they pull: who is given which, that only the asker can open it, and that it is audited."""

import asyncio
from typing import Any

import pytest
from django.db import close_old_connections

from seatrial.agent.bus.identity import Identity
from seatrial.agent.bus.registries import BusRegistryLogins
from seatrial.agent.vocabulary.errors import NoRegistryLogin
from seatrial.control.audit.models import AuditEntry
from seatrial.control.bus import Bus
from seatrial.control.previews.desired import desired
from seatrial.control.projects.scopes import Scope
from seatrial.control.registries import setting
from seatrial.control.registries.entries import Entry
from seatrial.control.registries.models import RegistryLogin as Row
from seatrial.control.worker.database import Database
from seatrial.control.worker.giving import NotGiven
from seatrial.control.worker.registries import answered, registries
from seatrial.wire import subjects
from seatrial.wire.credentials import CredentialRefusal
from seatrial.wire.registries import AskRegistryLogin, RegistryLogin
from seatrial.wire.states import AgentState
from tests.bus.conftest import bus, configuration, nats_server
from tests.variables.scene import ALICE
from tests.worker.askers import Fleet, fleet_of_two, site, until

__all__ = ["bus", "configuration", "fleet_of_two", "nats_server", "site"]
pytestmark = [pytest.mark.nats, pytest.mark.postgres]
HOST = "registry.test"


def put(scope: Scope, password: str, tier: str = "trusted") -> Row:
    return setting.put(scope, Entry(HOST, "robot", password, tier), by=ALICE)


def question(scene: Fleet, **changed: str) -> AskRegistryLogin:
    assert scene.environment.candidate is not None
    whole = {
        "environment": scene.environment.pk,
        "deployment": scene.environment.candidate.pk,
        "registry": HOST,
    }
    return AskRegistryLogin(**{**whole, **changed})


def opened(scene: Fleet, name: str) -> RegistryLogin:
    answer = answered(scene.agents[name].pk, question(scene))
    return RegistryLogin.model_validate_json(Identity.load(scene.directory / name).unseal(answer.sealed))


def from_fork(scene: Fleet) -> None:
    """Its pull request is a fork's, and was approved."""
    pull_request = scene.environment.pull_request
    pull_request.from_fork, pull_request.approved_sha = True, pull_request.head_sha
    pull_request.save()


@pytest.mark.django_db
def test_the_agent_of_a_deployment_is_given_what_is_set_now_and_the_audit_log_says_so(
    fleet_of_two: Fleet,
) -> None:
    put(fleet_of_two.project.workspace, "hunter11")
    assert opened(fleet_of_two, "one").password == "hunter11"
    row = put(fleet_of_two.project, "hunter22")
    given = opened(fleet_of_two, "one")
    assert (given.id, given.registry, given.username, given.password) == (row.pk, HOST, "robot", "hunter22")
    assert "hunter22" not in repr(given)
    told = list(AuditEntry.objects.filter(action="registry_login.given").order_by("pk"))
    assert [one.target.partition("/")[0] for one in told] == ["workspace", "project"]
    assert {one.actor for one in told} == {"agent:one"} and "hunter" not in str([one.details for one in told])
    assert told[1].details == {"registry": HOST, "tier": "trusted", "preview": fleet_of_two.environment.name}


@pytest.mark.django_db
def test_a_fork_gets_what_is_set_for_forks_although_it_is_approved(fleet_of_two: Fleet) -> None:
    put(fleet_of_two.project, "hunter22")
    from_fork(fleet_of_two)
    with pytest.raises(NotGiven) as refused:
        opened(fleet_of_two, "one")
    assert refused.value.refusal == CredentialRefusal.NO_CREDENTIAL
    placement = fleet_of_two.environment.placements.get()
    wanted = desired(placement)
    assert wanted is not None and wanted.candidate is not None and wanted.candidate.registries == {}
    put(fleet_of_two.project, "for-forks", "forks")
    assert opened(fleet_of_two, "one").password == "for-forks"


@pytest.mark.django_db
def test_nobody_else_gets_any(fleet_of_two: Fleet) -> None:
    one, two = (fleet_of_two.agents[name] for name in ("one", "two"))
    put(fleet_of_two.project, "hunter22")

    def code(agent: str, **changed: str) -> str:
        with pytest.raises(NotGiven) as refused:
            answered(agent, question(fleet_of_two, **changed))
        assert "hunter" not in str(refused.value)
        return refused.value.refusal

    assert code(two.pk) == CredentialRefusal.NOT_YOURS
    assert code(one.pk, deployment="01NOWHERE") == CredentialRefusal.NOT_YOURS
    assert code("nobody") == CredentialRefusal.UNKNOWN_AGENT
    assert code(one.pk, registry="other.test") == CredentialRefusal.NO_CREDENTIAL
    fleet_of_two.environment.state = "terminated"
    fleet_of_two.environment.save()
    assert code(one.pk) == CredentialRefusal.NOT_YOURS
    one.state = AgentState.REVOKED
    one.save()
    assert code(one.pk) == CredentialRefusal.UNKNOWN_AGENT
    assert not AuditEntry.objects.filter(action="registry_login.given").exists()


@pytest.mark.django_db
def test_the_desired_state_names_registries_and_ids_and_nothing_else(fleet_of_two: Fleet) -> None:
    row = put(fleet_of_two.project, "hunter22")
    wanted = desired(fleet_of_two.environment.placements.get())
    assert wanted is not None and wanted.candidate is not None
    assert wanted.candidate.registries == {HOST: row.pk}
    assert "hunter22" not in wanted.model_dump_json() and "robot" not in wanted.model_dump_json()


@pytest.mark.django_db(transaction=True)
async def test_over_the_bus_it_is_sealed(database: Database, bus: Bus, fleet_of_two: Fleet) -> None:
    def prepared() -> None:
        put(fleet_of_two.project, "hunter22")
        close_old_connections()

    await database.run(prepared)
    carried: list[bytes] = []

    async def note(message: Any) -> None:
        carried.append(message.data)

    await bus.client.subscribe(">", cb=note)
    working = asyncio.create_task(registries(database, bus).run())
    try:
        listen = bus.client._subs
        await until(lambda: any(one.subject == subjects.REGISTRIES for one in listen.values()))
        await bus.client.flush(60)
        asked = question(fleet_of_two)
        async with fleet_of_two.asking("one") as asks:
            source = BusRegistryLogins(asks._bus, asks._unseal)
            given = await source(asked.environment, asked.deployment, HOST)
            assert given.password == "hunter22"
            with pytest.raises(
                NoRegistryLogin, match=r"No login for other.test is set any more.*no_credential"
            ):
                await source(asked.environment, asked.deployment, "other.test")
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    assert any(b"SealedRegistryLogin" in data for data in carried)
    assert not any(b"hunter22" in data for data in carried)
