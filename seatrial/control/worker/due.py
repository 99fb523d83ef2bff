"""Wakes who sleeps until notified: the relay, the lanes aside and the deliveries, each when something is due for it."""

import asyncio

from seatrial.control.forges import intake
from seatrial.control.outbox import services as outbox
from seatrial.control.worker.database import Database
from seatrial.control.worker.wakeups import Wakeups

SWEEP_SECONDS = 1.0


class Due:
    """Asks once for all: what failed and is tried again, what another worker died over, what no notification told of."""

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self._database = database
        self._wakeups = wakeups

    async def run(self) -> None:
        """Runs for ever. Raises when the database is away; then start it again."""
        while True:
            for channel in await self._database.run(due_channels):
                self._wakeups.wake(channel)
            await asyncio.sleep(SWEEP_SECONDS)


def due_channels() -> set[str]:
    """The channels whose waiters have something to do now."""
    deliveries = {intake.CHANNEL} if intake.waiting().exists() else set()
    return outbox.due_channels() | deliveries
