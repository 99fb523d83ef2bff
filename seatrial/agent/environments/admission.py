"""Holds a candidate that is prepared until the control plane lets its services start."""

import asyncio
from collections.abc import Awaitable, Callable

from seatrial.agent.vocabulary.containers import Resources
from seatrial.wire.deployments import DesiredDeployment, DesiredEnvironment

REMIND_SECONDS = 30.0
Remind = Callable[[], Awaitable[None]]


class Admission:
    """Which deployments of one environment may start their services, by the newest desired state.

    One that is not desired any more is never let in: whoever waits for it is cancelled.
    """

    def __init__(self) -> None:
        self._desired: dict[str, DesiredDeployment] = {}
        self._changed = asyncio.Event()

    def look(self, desired: DesiredEnvironment | None) -> None:
        """Take over what is desired now, and wake whoever waits."""
        deployments = (desired.candidate, desired.live) if desired else ()
        self._desired = {one.id: one for one in deployments if one is not None}
        self._changed.set()

    async def wait(self, deployment: str, needs: Resources, remind: Remind) -> None:
        """Return once `deployment`, whose services ask for `needs` together, may start.

        Until then `remind` every REMIND_SECONDS, since what the control plane decides by may be lost.
        """
        while True:
            self._changed.clear()
            desired = self._desired.get(deployment)
            if desired is not None and (not desired.held or _has_room(desired, needs)):
                return
            try:
                async with asyncio.timeout(REMIND_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                await remind()


def _has_room(desired: DesiredDeployment, needs: Resources) -> bool:
    return needs.cpus <= desired.room_cpus and needs.memory_mb <= desired.room_memory_mb
