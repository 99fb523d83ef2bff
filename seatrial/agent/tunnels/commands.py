"""A command in a container of a preview."""

import asyncio
import contextlib
from typing import Self

from seatrial.agent.engine import Engine
from seatrial.agent.engine.attached import Attached
from seatrial.agent.engine.executions import Execution
from seatrial.agent.tunnels.leftovers import Leftovers
from seatrial.agent.vocabulary.errors import EngineRefused, RuntimeUnavailable
from seatrial.wire.tunnels import Kind, OpenTunnel

ENDING_SECONDS = 5.0  # until the engine knows the exit code of a command whose output has ended
LOOK_SECONDS = 0.05


class Command:
    """See Far. Whatever it leaves running ends with it."""

    ends_with_output = True

    def __init__(self, execution: Execution, streams: Attached, leftovers: Leftovers, container: str) -> None:
        self._execution = execution
        self._streams = streams
        self._leftovers = leftovers
        self._container = container
        self._closed = False

    @classmethod
    async def begin(cls, engine: Engine, container: str, asked: OpenTunnel, leftovers: Leftovers) -> Self:
        """Start it. Raises EngineRefused, RuntimeUnavailable."""
        execution = await engine.containers.execute_by_hand(
            container, asked.command, terminal=asked.terminal, environment=leftovers.environment
        )
        command = cls(execution, await execution.attached(), leftovers, container)
        await command.resize(asked.rows, asked.columns)
        return command

    async def read(self) -> tuple[Kind, bytes] | None:
        """See Far."""
        said = await self._streams.read()
        return None if said is None else (Kind.ERRORS if said.error else Kind.OUTPUT, said.data)

    async def write(self, data: bytes) -> None:
        """See Far."""
        await self._streams.write(data)

    async def end_input(self) -> None:
        """See Far."""
        self._streams.end_input()

    async def resize(self, rows: int, columns: int) -> None:
        """See Far."""
        if rows and columns:
            with contextlib.suppress(RuntimeUnavailable):
                await self._execution.resize(rows, columns)

    async def exit_code(self) -> int | None:
        """See Far."""
        try:
            async with asyncio.timeout(ENDING_SECONDS):
                return await self._execution.ended(LOOK_SECONDS)
        except (TimeoutError, EngineRefused, RuntimeUnavailable):
            return None

    async def close(self) -> None:
        """See Far."""
        if self._closed:
            return
        self._closed = True
        await self._streams.close()
        await self._leftovers.end(self._container, self._execution)
