"""Holds a candidate that is prepared until the control plane lets its services start."""

import asyncio
from collections.abc import Awaitable, Callable

from seatrial.wire.deployments import DesiredEnvironment

REMIND_SECONDS = 30.0


class Admission:
    """Which deployments of one environment may start their services, by the newest desired state.

    One that is not desired any more is never let in: whoever waits for it is cancelled.
    """

    def __init__(self) -> None:
        self._admitted: set[str] = set()
        self._changed = asyncio.Event()

    def look(self, desired: DesiredEnvironment | None) -> None:
        """Take over what is desired now, and wake whoever waits."""
        deployments = (desired.live, desired.candidate) if desired else ()
        self._admitted = {one.id for one in deployments if one is not None and not one.held}
        self._changed.set()

    async def wait(self, deployment: str, remind: Callable[[], Awaitable[None]]) -> None:
        """Return once `deployment` may start.

        Until then `remind` every REMIND_SECONDS, since what the control plane decides by may be lost.
        """
        while True:
            self._changed.clear()
            if deployment in self._admitted:
                return
            try:
                async with asyncio.timeout(REMIND_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                await remind()
