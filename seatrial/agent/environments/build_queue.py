"""Turns to build: some at the same time, the others in the order in which they came."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from seatrial.agent.vocabulary.logs import Log


class BuildQueue:
    """Shared by all environments of one agent. Who is cancelled while waiting leaves it."""

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self.building = 0
        self._slots = asyncio.Semaphore(at_once)
        self._waiting: list[list[str]] = []  # lists, so that each is told from another of the same deployment

    @property
    def waiting(self) -> list[str]:
        """The deployments whose builds wait, the next one first; one is there once for each of its builds."""
        return [ticket[0] for ticket in self._waiting]

    @contextlib.asynccontextmanager
    async def turn(self, deployment: str, service: str, log: Log) -> AsyncIterator[None]:
        """The context begins when it is this build's turn. Who has to wait is told so through `log`."""
        ticket = [deployment]
        self._waiting.append(ticket)
        try:
            if self._slots.locked():
                place = len(self._waiting)
                await log(
                    f"{service}: waits to be built, at place {place}: this agent builds {self.at_once} at the same time "
                    "(GALLEY_MAX_PARALLEL_BUILDS)"
                )
            await self._slots.acquire()
        finally:
            self._waiting = [other for other in self._waiting if other is not ticket]
        self.building += 1
        try:
            yield
        finally:
            self.building -= 1
            self._slots.release()
