"""The outbox relay: publishes committed messages on the bus, in order, at least once, by any worker.

Work that waits for other systems is done by `worker.aside`. A row that fails waits longer each time, and is never lost.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog
from django.db.models import QuerySet

from seatrial.control.bus import Bus
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.errors import Away
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.previews.desired import desired
from seatrial.control.previews.models import Placement
from seatrial.control.worker.database import Database
from seatrial.control.worker.supervision import database_away, expected
from seatrial.control.worker.wakeups import Wakeups
from seatrial.wire.envelope import Envelope
from seatrial.wire.snapshots import DesiredSnapshot

log = structlog.get_logger(__name__)

BATCH = 100
SEND_TIMEOUT_SECONDS = 15.0
T = TypeVar("T")
Handler = Callable[[OutboxMessage], None]


class Relay:
    """Publishes the outbox. `send` runs in a database thread and reaches the bus through the worker's loop."""

    def __init__(self, database: Database, bus: Bus, wakeups: Wakeups) -> None:
        self._database = database
        self._bus = bus
        self._wakeups = wakeups
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Runs for ever: publishes everything that waits, then sleeps until a notification or `Due` wakes it."""
        woken = self._wakeups.waiter(outbox.CHANNEL)
        while True:
            while await self._database.run(self.batch) == BATCH:
                pass
            await woken.wait()

    def batch(self) -> int:
        """Try up to BATCH rows. Raises when bus or database are away; published rows are marked before that."""
        announced: set[str] = set()

        def send(row: OutboxMessage) -> None:
            # Desired states are computed from the rows as they are now, so once per batch and environment is enough.
            environment = row.body["environment"] if row.subject == Instruction.DESIRED else ""
            if environment not in announced:
                self._send(row)
            if environment:
                announced.add(environment)

        return outbox.relay(send, limit=BATCH)

    def _send(self, row: OutboxMessage) -> None:
        try:
            self._handler(row)(row)
        except Exception as error:
            if database_away(error):
                raise
            if not self._wait(self._bus.answers()):
                raise Away(f"{type(error).__name__}: {error}") from error
            not_sent(row, error)
            raise

    def _handler(self, row: OutboxMessage) -> Handler:
        handlers: dict[str, Handler] = {
            Instruction.DESIRED: self._put_desired,
            Instruction.BUCKET: self._make_bucket,
        }
        return handlers.get(row.subject, self._publish)

    def _publish(self, row: OutboxMessage) -> None:
        self._wait(self._bus.publish(row.subject, Envelope.model_validate(row.body)))

    def _make_bucket(self, row: OutboxMessage) -> None:
        self._wait(self._bus.ensure_bucket(row.body["agent"]))

    def _put_desired(self, row: OutboxMessage) -> None:
        """Put the desired state for each placement. If there is none yet, placing the environment writes a new row."""
        for placement in placements().filter(environment=row.body["environment"], removed_at=None):
            envelope = desired_envelope(placement)
            if saving := envelope and envelope.payload.get("save"):
                self._wait(keep_snapshot(self._bus, placement.agent_id, saving))
            put = self._bus.desire(
                placement.agent_id, placement.environment_id, envelope, revision=placement.revision
            )
            self._wait(put)

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(SEND_TIMEOUT_SECONDS)


async def keep_snapshot(bus: Bus, agent: str, snapshot: str) -> None:
    """Put the key without which the agent would remove the snapshot. It comes before the order to save it."""
    about = f"snapshot/{snapshot}"
    await bus.desire(agent, snapshot, Envelope.wrap(DesiredSnapshot(snapshot=snapshot), about=about))


def not_sent(row: OutboxMessage, error: Exception) -> None:
    """Log one line for each attempt; an unexpected error has its traceback, the first time only."""
    log.warning(
        "outbox message not sent, tried again later",
        subject=row.subject,
        id=row.pk,
        attempts=row.attempts + 1,
        error=f"{type(error).__name__}: {error}",
        exc_info=row.attempts == 0 and not expected(error),
    )


def placements() -> QuerySet[Placement]:
    """Placements, with all related rows that their desired state needs."""
    return Placement.objects.select_related(
        "agent",
        "environment__live",
        "environment__candidate",
        "environment__kept",
        "environment__pull_request",
        "environment__project__connection",
    ).order_by("id")


def desired_envelope(placement: Placement) -> Envelope | None:
    """The desired state in its envelope; None if the environment must not exist there."""
    message = desired(placement)
    if message is None:
        return None
    return Envelope.wrap(message, workspace=message.workspace, about=f"environment/{message.environment}")
