"""The outbox relays: what was committed is published. At least once, by whichever worker lives.

Several lanes: the bus, in order; and aside, each by itself, what waits for others. A row that fails waits longer each
time, and is never lost but for a report that its forge refuses or has not taken for a day.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from django.utils import timezone

from seatrial.control.bus import Bus
from seatrial.control.forges.errors import ForgeError
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.errors import Away, NotYet
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.previews.desired import desired
from seatrial.control.previews.models import Environment
from seatrial.control.worker.database import Database
from seatrial.control.worker.supervision import database_away, expected
from seatrial.control.worker.wakeups import Wakeups
from seatrial.wire.envelope import Envelope

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 1.0
BATCH = 100
SEND_TIMEOUT_SECONDS = 15.0
REPORT_KEPT = timedelta(days=1)  # a forge that takes none for so long has been told how things stood
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
        """For ever: everything that waits, then sleep until notified."""
        while True:
            while await self._database.run(self.batch) == BATCH:
                pass
            await self._wakeups.wait(outbox.CHANNEL, SWEEP_SECONDS)

    def batch(self) -> int:
        """Try up to BATCH rows; raises when bus or database are away, with what was published marked."""
        announced: set[str] = set()

        def send(row: OutboxMessage) -> None:
            # Several changes in one batch lead to the same desired state: it is computed from the rows as they are.
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
        rows = Environment.objects.select_related(
            "agent", "live", "candidate", "pull_request", "project__connection"
        )
        environment = rows.filter(pk=row.body["environment"]).first()
        if environment is None or environment.agent_id is None:
            return  # nowhere yet: placing it announces it again
        self._wait(self._bus.desire(environment.agent_id, environment.pk, desired_envelope(environment)))

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(SEND_TIMEOUT_SECONDS)


class Aside:
    """Sends what waits for others: reports to forges, or revocations. A slow or broken one holds up nothing else."""

    def __init__(
        self, database: Database, instruction: Instruction, act: Callable[[dict[str, str]], None]
    ) -> None:
        self._database = database
        self._instruction = instruction
        self._act = act

    async def run(self) -> None:
        """For ever."""
        while True:
            while await self._database.run(self.one):
                pass
            await asyncio.sleep(SWEEP_SECONDS)

    def one(self) -> bool:
        """Send to the one target that waits longest; True when there was one."""
        return outbox.relay_aside(self._instruction, self._send)

    def _send(self, row: OutboxMessage) -> None:
        try:
            self._act(row.body)
        except Exception as error:
            if database_away(error):
                raise
            if self._instruction == Instruction.REPORT and _hopeless(row, error):
                log.error("report given up", **row.body, error=f"{type(error).__name__}: {error}")
                return
            not_sent(row, error)
            if isinstance(error, ForgeError) and error.retry_after_seconds:
                raise NotYet(error.retry_after_seconds) from error
            raise


def not_sent(row: OutboxMessage, error: Exception) -> None:
    """One line for each attempt, which become rarer; what nobody expected shows where it came from, once."""
    log.warning(
        "outbox message not sent, tried again later",
        subject=row.subject,
        id=row.pk,
        attempts=row.attempts + 1,
        error=f"{type(error).__name__}: {error}",
        exc_info=row.attempts == 0 and not expected(error),
    )


def _hopeless(row: OutboxMessage, error: Exception) -> bool:
    refused = isinstance(error, ForgeError) and error.permanent
    return refused or timezone.now() - row.created_at > REPORT_KEPT


def desired_envelope(environment: Environment) -> Envelope | None:
    """The desired state in its envelope; None: it must not exist."""
    message = desired(environment)
    if message is None:
        return None
    return Envelope.wrap(message, workspace=message.workspace, about=f"environment/{environment.pk}")
