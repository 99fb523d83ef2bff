"""Ends what commands leave running in containers. The engine cannot: it knows how to start a command, and only that.

Each command has a variable in its environment that names its tunnel, and so has everything it starts. On a host whose processes this
agent sees, they are found there, whatever the image holds. Elsewhere (under gVisor, or with an agent in a container) a shell of the
image looks; an image without one keeps them until its container ends, which is a line in the log.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import structlog

from seatrial.agent.engine import Engine
from seatrial.agent.engine.executions import Execution
from seatrial.agent.vocabulary.errors import EngineRefused, RuntimeUnavailable

log = structlog.get_logger(__name__)

NAME = "GALLEY_TUNNEL"
GENTLE_SECONDS = 2.0  # between hanging up and killing
LOOK_SECONDS = 0.1
SHELL_SECONDS = 10.0
_SCRIPT = """for one in /proc/[0-9]*; do
grep -q "$2" "$one/environ" 2>/dev/null && kill -"$1" "${one#/proc/}" 2>/dev/null
done; true"""


class Leftovers:
    """Of the tunnel `tunnel` of `agent`; without a tunnel, of all of that agent."""

    def __init__(self, engine: Engine, agent: str, tunnel: str = "") -> None:
        self._engine = engine
        self._mark = f"{NAME}={agent}.{tunnel}"

    @property
    def environment(self) -> Mapping[str, str]:
        """What a command has in its environment, so that it is found."""
        name, _, value = self._mark.partition("=")
        return {name: value}

    async def end(self, container: str, execution: Execution) -> None:
        """Hang up, and kill a little later. Never raises."""
        try:
            if await execution.exit_code() is None:
                await self._send(signal.SIGHUP, container)
                await _over(execution)
            await self._send(signal.SIGKILL, container)
            if await execution.exit_code() is None:
                log.warning("a command goes on in a container: its image has no shell", container=container)
        except (EngineRefused, RuntimeUnavailable) as error:
            log.debug("nothing is left of a command", container=container, reason=str(error))

    async def end_all(self, containers: list[str]) -> None:
        """Kill whatever an earlier process of this agent left in `containers`. Raises RuntimeUnavailable."""
        await asyncio.to_thread(_signal_host, self._mark, signal.SIGKILL)
        for container in containers:
            with contextlib.suppress(EngineRefused):
                if await self._engine.containers.has_executions(container):
                    await self._within(signal.SIGKILL, container)

    async def _send(self, number: signal.Signals, container: str) -> None:
        if not await asyncio.to_thread(_signal_host, self._mark, number):
            await self._within(number, container)

    async def _within(self, number: signal.Signals, container: str) -> None:
        command = ["/bin/sh", "-c", _SCRIPT, "sh", number.name.removeprefix("SIG"), self._mark]
        with contextlib.suppress(EngineRefused):  # it has no shell, or does not run any more
            execution = await self._engine.containers.execute(container, command)
            await execution.outcome(SHELL_SECONDS)


async def _over(execution: Execution) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GENTLE_SECONDS):
            await execution.ended(LOOK_SECONDS)


def _signal_host(mark: str, number: signal.Signals) -> int:
    """How many processes of this host were sent the signal: those that `mark` is in the environment of."""
    sent = 0
    for process in _marked(mark.encode()):
        with contextlib.suppress(OSError):
            os.kill(process, number)
            sent += 1
    return sent


def _marked(mark: bytes) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if any(entry.startswith(mark) for entry in environment.split(b"\0")):
            yield int(folder.name)
