"""Admits candidates that waited for room in their project, as soon as there is some."""

from seatrial.control.previews import admission, lifecycle
from seatrial.control.worker.database import Database
from seatrial.control.worker.wakeups import Wakeups

SWEEP_SECONDS = 10.0


class Admissions:
    """Looks on each notification, and every SWEEP_SECONDS for what no notification said. Any number of workers may."""

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self._database = database
        self._wakeups = wakeups

    async def run(self) -> None:
        """Runs for ever. Raises when the database is away; then start it again."""
        woken = self._wakeups.waiter(lifecycle.ADMISSIONS_CHANNEL)
        while True:
            await self._database.run(admission.admit_waiting)
            await woken.wait(SWEEP_SECONDS)
