"""A removed agent's data on the bus is removed with it, and nothing of other agents. Real bus, real database."""

from datetime import timedelta

import pytest

from seatrial.control import buckets
from seatrial.control.audit.actors import Actor
from seatrial.control.bus import Bus
from seatrial.control.fleet.models import Agent
from seatrial.control.fleet.services import revoke
from seatrial.control.worker import gone_agents
from seatrial.control.worker.database import Database
from seatrial.control.worker.gone_agents import GoneAgents
from seatrial.wire.envelope import Envelope
from seatrial.wire.evaluations import EvaluationStarted
from tests import factories as make
from tests.bus.conftest import bus, configuration, nats_server

__all__ = ["bus", "configuration", "nats_server"]
pytestmark = [pytest.mark.nats, pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
ANYTHING = Envelope.wrap(EvaluationStarted(evaluation="e"))


async def having_buckets(bus: Bus) -> set[str]:
    return {bucket.agent for bucket in await buckets.every(bus)}


async def test_a_revoked_agent_s_bucket_goes_with_its_consumers(database: Database, bus: Bus) -> None:
    stays, goes = await database.run(make.agent), await database.run(make.agent)
    for agent in (stays, goes):
        await bus.desire(agent.pk, "01ENVIRONMENT", ANYTHING)
    watcher = await (await bus.ensure_bucket(goes.pk)).watchall()
    await GoneAgents(database, bus).once()
    assert await having_buckets(bus) == {stays.pk, goes.pk}
    await database.run(revoke, await database.run(Agent.objects.get, pk=goes.pk), by=Actor.person("alice"))
    sweep = GoneAgents(database, bus)
    await sweep.once()
    await sweep.once()
    assert await having_buckets(bus) == {stays.pk}
    assert (await bus.desired(stays.pk)).desired.keys() == {"01ENVIRONMENT"}
    await watcher.stop()
    await bus.ensure_streams()
    streams = {str(info.config.name) for info in await bus.jetstream.streams_info()}
    assert streams >= {"OBSERVED", "LOGS", "JOBS"}


async def test_a_stranger_s_bucket_goes_in_time_unless_somebody_reads_it(
    database: Database, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    for agent in ("stranger", "reading"):
        await bus.desire(agent, "01ENVIRONMENT", ANYTHING)
    watcher = await (await bus.ensure_bucket("reading")).watchall()
    sweep = GoneAgents(database, bus)
    await sweep.once()
    assert await having_buckets(bus) == {"stranger", "reading"}
    monkeypatch.setattr(gone_agents, "STRANGER_KEPT", timedelta(0))
    await sweep.once()
    assert await having_buckets(bus) == {"reading"}
    await watcher.stop()
