"""The outbox on a real bus: a refused message waits, and does not hold up others."""

import asyncio
import shutil

import nats.errors
import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from seatrial.control import bus as bus_module
from seatrial.control.bus import Bus
from seatrial.control.configuration import Configuration
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.errors import Away
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.worker import errands
from seatrial.control.worker.aside import Aside
from seatrial.control.worker.database import Database
from seatrial.control.worker.relay import Relay
from seatrial.control.worker.wakeups import Wakeups
from seatrial.wire import subjects
from seatrial.wire.evaluations import RunEvaluation
from tests.bus.conftest import bus, configuration, nats_server
from tests.bus.servers import NatsServer
from tests.waiting import LIMIT_SECONDS

__all__ = ["bus", "configuration", "nats_server"]
pytestmark = [pytest.mark.nats, pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
async def relay(database: Database, bus: Bus) -> Relay:
    return Relay(database, bus, Wakeups([]))


def say(subject: str) -> str:
    job = RunEvaluation.model_construct(evaluation="e")
    return outbox.publish(subject, job, workspace="w", about="a").id


def unpublished() -> dict[str, int]:
    return dict(OutboxMessage.objects.filter(published_at=None).values_list("pk", "attempts"))


async def test_a_message_that_the_bus_refuses_holds_up_no_other(
    database: Database, bus: Bus, relay: Relay
) -> None:
    poison = await database.run(say, "a.subject.that.no.stream.takes")
    await database.run(outbox.instruct, Instruction.BUCKET, agent="no such name, and spaces")
    await database.run(say, subjects.evaluation_jobs("w"))
    await database.run(outbox.instruct, Instruction.BUCKET, agent="A")
    with capture_logs() as lines:
        assert await database.run(relay.batch) == 4
    assert (await bus.jetstream.stream_info(subjects.JOBS_STREAM)).state.messages == 1
    assert (await bus.desired("A")).desired == {}
    left = await database.run(unpublished)
    assert len(left) == 2 and left[poison] == 1
    assert [line["event"] for line in lines] == ["outbox message not sent, tried again later"] * 2
    assert await database.run(relay.batch) == 0


async def test_an_outage_of_the_bus_counts_against_no_message(
    database: Database, bus: Bus, relay: Relay, nats_server: NatsServer
) -> None:
    identity = await database.run(say, subjects.evaluation_jobs("w"))
    nats_server.kill()
    with pytest.raises(Away):
        await database.run(relay.batch)
    assert await database.run(unpublished) == {identity: 0}
    nats_server.start()
    async with asyncio.timeout(LIMIT_SECONDS):
        while not await bus.answers():  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert await database.run(relay.batch) == 1
    assert await database.run(unpublished) == {}


async def test_a_revocation_of_a_bus_that_is_away_is_not_waited_for(
    configuration: Configuration, nats_server: NatsServer
) -> None:
    """It is tried again later; meanwhile a worker that is told to stop must not wait for it."""
    nats_server.kill()
    with pytest.raises(nats.errors.NoServersError):
        async with asyncio.timeout(60):  # of the two minutes that the client would take
            await bus_module.revoke(configuration, str(nats_server.identity.system_credentials), "token")


async def test_a_revocation_outlives_a_bus_that_cannot_take_it(
    database: Database, configuration: Configuration, nats_server: NatsServer
) -> None:
    """The wrong credentials, then the right ones: not dropped, not in the way, and done in the end."""
    credentials = nats_server.identity.system_credentials
    right = credentials.read_bytes()
    shutil.copy(nats_server.identity.control_credentials, credentials)
    await database.run(outbox.instruct, Instruction.REVOKE, public_key="U" + "A" * 55)
    aside = Aside(database, Wakeups([]), errands.revocations(configuration))
    async with asyncio.timeout(60):  # it does not try for ever
        assert await database.run(aside.one)
    assert list((await database.run(unpublished)).values()) == [1]
    credentials.write_bytes(right)
    await database.run(due)
    assert await database.run(aside.one)
    assert await database.run(unpublished) == {}


def due() -> None:
    OutboxMessage.objects.update(due_at=timezone.now())
