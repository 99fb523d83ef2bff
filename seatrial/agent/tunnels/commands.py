"""A command in a container of a preview."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Self

from seatrial.agent.engine import Engine
from seatrial.agent.engine.attached import Attached, Said
from seatrial.agent.engine.executions import Execution
from seatrial.agent.tunnels.leftovers import Leftovers
from seatrial.agent.vocabulary.errors import EngineRefused, RuntimeUnavailable
from seatrial.wire.tunnels import Kind, OpenTunnel

ENDING_SECONDS = 5.0  # until the engine knows the exit code of a command whose output has ended
LOOK_SECONDS = 0.05


class Unfed:
    """The output of a command without input; see Attached."""

    def __init__(self, stack: AsyncExitStack, pieces: AsyncIterator[tuple[int, bytes]]) -> None:
        self._stack = stack
        self._pieces = pieces

    @classmethod
    async def begun(cls, execution: Execution) -> Self:
        """Start it. Raises EngineRefused, RuntimeUnavailable."""
        stack = AsyncExitStack()
        return cls(stack, await stack.enter_async_context(execution.unfed()))

    async def read(self) -> Said | None:
        """See Attached."""
        piece = await anext(self._pieces, None)
        return None if piece is None else Said(piece[1], error=piece[0] != 1)

    async def write(self, data: bytes) -> None:
        """Dropped."""

    def end_input(self) -> None:
        """There is none."""

    async def close(self) -> None:
        """See Attached."""
        await self._stack.aclose()


class Command:
    """See Far. Whatever it leaves running ends with it."""

    ends_with_output = True

    def __init__(
        self, execution: Execution, streams: "Attached | Unfed", leftovers: Leftovers, container: str
    ) -> None:
        self._execution = execution
        self._streams = streams
        self._leftovers = leftovers
        self._container = container
        self._closed = False

    @classmethod
    async def begin(cls, engine: Engine, container: str, asked: OpenTunnel, leftovers: Leftovers) -> Self:
        """Start it. Raises EngineRefused, RuntimeUnavailable."""
        execution = await engine.containers.execute_by_hand(
            container,
            asked.command,
            terminal=asked.terminal,
            fed=asked.fed,
            environment=leftovers.environment,
        )
        try:
            streams = await (execution.attached() if asked.fed else Unfed.begun(execution))
        except EngineRefused:
            await leftovers.end(container, execution)
            raise
        command = cls(execution, streams, leftovers, container)
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
