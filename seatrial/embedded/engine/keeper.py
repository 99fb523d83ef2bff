"""Keeps the engine running if we set it up and no init system does."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping

from seatrial.embedded.engine import daemon, detect

EVERY_SECONDS = 1.0  # also after its end: whoever restarts it by hand starts it within that


class EngineKeeper:
    """Restarts the engine if it died. An engine that we did not set up is left to its own supervisor.

    `ended` waits for the end of a process, and raises ProcessLookupError if there is none.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        say: Callable[[str], None],
        ended: Callable[[int], Awaitable[None]],
    ) -> None:
        self._environ = environ
        self._say = say
        self._ended = ended

    async def run(self) -> None:
        """Watch the engine for ever."""
        while True:
            if daemon.is_ours():
                await self._gone()
            await asyncio.sleep(EVERY_SECONDS)
            if await asyncio.to_thread(daemon.may_start, self._environ):
                self._say("Docker Engine is gone; starting it again")
                try:
                    await asyncio.to_thread(daemon.start)
                except (daemon.EngineProblem, OSError) as error:
                    self._say(f"Docker Engine does not start: {error}")
                    await asyncio.sleep(10)
                else:
                    engine = await asyncio.to_thread(detect.ask, self._environ)
                    self._say(f"Docker Engine {engine.version} answers again")

    async def _gone(self) -> None:
        """Wait until no engine runs. To read the process table again and again would cost more than all else of a platform
        that does nothing."""
        for pid in await asyncio.to_thread(daemon.pids):
            with contextlib.suppress(ProcessLookupError):
                await self._ended(pid)
