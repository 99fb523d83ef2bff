"""The outbox relay: what was committed is published. At least once, in order, by whichever worker lives."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from seatrial.control.bus import Bus
from seatrial.control.configuration import Configuration
from seatrial.control.fleet import revocation
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.previews.desired import desired
from seatrial.control.previews.models import Environment
from seatrial.control.worker import reports
from seatrial.control.worker.database import Database
from seatrial.control.worker.supervision import expected
from seatrial.control.worker.wakeups import Wakeups
from seatrial.wire.envelope import Envelope

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 1.0
BATCH = 100
SEND_TIMEOUT_SECONDS = 15.0
Handler = Callable[[OutboxMessage], None]


class Relay:
    """Publishes the outbox. `send` runs in a database thread and reaches the bus through the worker's loop."""

    def __init__(self, database: Database, bus: Bus, configuration: Configuration, wakeups: Wakeups) -> None:
        self._database = database
        self._bus = bus
        self._configuration = configuration
        self._wakeups = wakeups
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """For ever: everything that waits, then sleep until notified."""
        while True:
            while await self._database.run(self.batch) == BATCH:
                pass
            await self._wakeups.wait(outbox.CHANNEL, SWEEP_SECONDS)

    def batch(self) -> int:
        """Publish up to BATCH rows; raises when the bus is away, with what was published marked."""
        announced: set[str] = set()

        def send(row: OutboxMessage) -> None:
            if row.subject == Instruction.DESIRED:
                # Several changes in one batch lead to the same desired state: it is computed from the rows as they are.
                if row.body["environment"] in announced:
                    return
                announced.add(row.body["environment"])
            try:
                self._handler(row)(row)
            except Exception as error:
                if expected(error):
                    raise
                log.exception(
                    "outbox message dropped: it can never be published", subject=row.subject, id=row.pk
                )

        return outbox.relay(send, limit=BATCH)

    def _handler(self, row: OutboxMessage) -> Handler:
        handlers: dict[str, Handler] = {
            Instruction.DESIRED: self._put_desired,
            Instruction.BUCKET: lambda row: self._wait(self._bus.ensure_bucket(row.body["agent"])),
            Instruction.REVOKE: lambda row: self._wait(
                revocation.revoke(self._configuration, row.body["public_key"])
            ),
            Instruction.REPORT: lambda row: reports.report(row.body),
        }
        return handlers.get(row.subject, self._publish)

    def _publish(self, row: OutboxMessage) -> None:
        self._wait(self._bus.publish(row.subject, Envelope.model_validate(row.body)))

    def _put_desired(self, row: OutboxMessage) -> None:
        rows = Environment.objects.select_related(
            "agent", "live", "candidate", "pull_request", "project__connection"
        )
        environment = rows.filter(pk=row.body["environment"]).first()
        if environment is None or environment.agent_id is None:
            return  # nowhere yet: placing it announces it again
        self._wait(self._bus.desire(environment.agent_id, environment.pk, desired_envelope(environment)))

    def _wait(self, work: Coroutine[Any, Any, object]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(SEND_TIMEOUT_SECONDS)


def desired_envelope(environment: Environment) -> Envelope | None:
    """The desired state in its envelope; None: it must not exist."""
    message = desired(environment)
    if message is None:
        return None
    return Envelope.wrap(message, workspace=message.workspace, about=f"environment/{environment.pk}")
