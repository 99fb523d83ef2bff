"""A worker that is told to stop finishes the work it has begun, and stops."""

import asyncio

import pytest

from seatrial.control.bus import Bus
from seatrial.control.configuration import Configuration
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.worker import main
from seatrial.control.worker.database import Database
from seatrial.wire import subjects
from seatrial.wire.envelope import Envelope
from seatrial.wire.evaluations import RunEvaluation
from tests.bus.conftest import bus, configuration, nats_server
from tests.waiting import LIMIT_SECONDS

__all__ = ["bus", "configuration", "nats_server"]


@pytest.mark.nats
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
async def test_what_is_being_published_while_the_worker_stops_is_published(
    database: Database, bus: Bus, configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish, begun = Bus.publish, asyncio.Event()

    async def slow(self: Bus, subject: str, envelope: Envelope) -> None:
        await publish(self, subject, envelope)
        begun.set()
        await asyncio.sleep(2)  # the answer takes its time: by then the worker waits for its threads

    monkeypatch.setattr(Bus, "publish", slow)
    stopped = asyncio.Event()
    running = asyncio.create_task(main.run(configuration, stopped))
    job = RunEvaluation.model_construct(evaluation="e")
    await database.run(outbox.publish, subjects.evaluation_jobs("w"), job, workspace="w", about="a")
    async with asyncio.timeout(LIMIT_SECONDS):
        await begun.wait()
        stopped.set()
        await running
    row = await database.run(OutboxMessage.objects.get)
    assert row.published_at is not None and row.attempts == 0
