"""Commands that the engine runs inside a running container. The engine cannot end a command it has started there."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import aiohttp
from aiodocker.execs import Exec
from aiodocker.stream import Stream
from yarl import URL

from seatrial.agent.engine.attached import Attached
from seatrial.agent.engine.connection import Connection
from seatrial.agent.engine.frames import frames
from seatrial.agent.vocabulary.errors import EngineRefused

KEPT_CHARACTERS = 65_536
NO_BODY = (1, 42)  # the API from which on a command is started without one
UPGRADE_SECONDS = 20.0
UNFED = "its engine takes no input for commands: that needs Docker Engine 23 or newer where a proxy is in front of it"
START = b'{"Detach": false, "Tty": false}'


class Execution:
    """One command inside a container."""

    def __init__(self, connection: Connection, execution: Exec) -> None:
        self._connection = connection
        self._execution = execution

    async def outcome(self, seconds: float | None = None) -> tuple[int, str] | None:
        """Start the command and return its exit code and output; None if it has not ended after `seconds` and runs on.

        The time starts when the engine has received the request: otherwise a command that was never requested would count
        as running for ever. It is a plain request: a proxy in front of the engine need not let anybody upgrade a connection with
        a body.
        """
        output = ""
        path, headers = f"exec/{self._execution.id}/start", {"Content-Type": "application/json"}
        request = self._connection.request("POST", path, params={}, data=START, headers=headers)
        async with request as answer:
            try:
                async with asyncio.timeout(seconds):
                    async for _, data in frames(answer.content):
                        output = (output + data.decode(errors="replace"))[-KEPT_CHARACTERS:]
            except TimeoutError:
                return None
        with self._connection.calls():
            return int((await self._execution.inspect())["ExitCode"] or 0), output

    async def attached(self) -> Attached:
        """Start the command with its streams, input too. Those of one with a terminal come in frames, all as output.

        The caller closes them. An engine before 23 wants a body, and a proxy lets nobody upgrade a connection with one: such an
        engine behind one is refused here, and the command has begun.
        """
        with self._connection.calls():
            body = b"{}" if await self._connection.version() < NO_BODY else None

        async def start() -> tuple[URL, bytes | None, bool]:
            return URL(f"exec/{self._execution.id}/start"), body, False

        stream = Stream(self._connection.streams, start, aiohttp.ClientTimeout(sock_connect=5))
        with self._connection.calls():
            try:
                async with asyncio.timeout(UPGRADE_SECONDS):
                    await stream.__aenter__()
            except TimeoutError:
                raise EngineRefused(UNFED, status=0) from None
            except BaseException:
                await stream.close()
                raise
        return Attached(stream)

    @asynccontextmanager
    async def unfed(self) -> AsyncIterator[AsyncIterator[tuple[int, bytes]]]:
        """Start the command without input. Gives the pieces of its output (1) and errors (2). It is a plain request, as in `outcome`."""
        path, headers = f"exec/{self._execution.id}/start", {"Content-Type": "application/json"}
        async with (
            self._connection.request("POST", path, params={}, data=START, headers=headers) as answer,
            aclosing(frames(answer.content)) as pieces,
        ):
            yield pieces

    async def resize(self, rows: int, columns: int) -> None:
        """Tell the command's terminal its size. A no-op once the command has ended."""
        params = {"h": str(rows), "w": str(columns)}
        with contextlib.suppress(EngineRefused):
            async with self._connection.request("POST", f"exec/{self._execution.id}/resize", params=params):
                pass

    async def exit_code(self) -> int | None:
        """None while it runs."""
        with self._connection.calls():
            shown = await self._execution.inspect()
        return None if shown["Running"] or shown["ExitCode"] is None else int(shown["ExitCode"])

    async def ended(self, every_seconds: float) -> int:
        """Wait for its exit code, which the engine only tells to who asks."""
        while True:
            code = await self.exit_code()
            if code is not None:
                return code
            await asyncio.sleep(every_seconds)

    async def goes_on(self) -> bool:
        """Whether the command has not ended: it runs, or a busy engine has not started it yet."""
        try:
            with self._connection.calls():
                shown = await self._execution.inspect()
        except EngineRefused:  # it was removed with its container
            return False
        return bool(shown["Running"]) or shown["ExitCode"] is None
