"""Commands that the engine runs inside a running container. The engine cannot end a command it has started there."""

import asyncio

from aiodocker.execs import Exec

from seatrial.agent.engine.connection import Connection
from seatrial.agent.engine.frames import frames
from seatrial.agent.vocabulary.errors import EngineRefused

KEPT_CHARACTERS = 65_536
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

    async def goes_on(self) -> bool:
        """Whether the command has not ended: it runs, or a busy engine has not started it yet."""
        try:
            with self._connection.calls():
                shown = await self._execution.inspect()
        except EngineRefused:  # it was removed with its container
            return False
        return bool(shown["Running"]) or shown["ExitCode"] is None
