"""What builds on this host, as it is known now: asked once a minute, and said in the heartbeat's warnings and in surveys."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from seatrial.agent.builds.base import Facts

log = structlog.get_logger(__name__)

LOOK_SECONDS = 60.0


class BuilderWatch:
    """`now` is what the last look found; before the first, nothing is known, and nothing wrong. `look` is idempotent."""

    def __init__(self, ask: Callable[[], Awaitable[Facts]]) -> None:
        self._ask = ask
        self.now = Facts("")

    @property
    def warnings(self) -> Sequence[str]:
        """What is wrong with it, and what it lacks."""
        return [*self.now.problems, *self.now.lacks]

    async def run(self) -> None:
        """Runs for ever: looks at once, and every LOOK_SECONDS."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> Facts:
        """Look now. Each problem is also a line of the agent's log, once for as long as it lasts."""
        known, self.now = set(self.now.problems), await self._ask()
        for problem in self.now.problems:
            if problem not in known:
                log.warning("something is wrong with the builder", builder=self.now.called, problem=problem)
        return self.now
