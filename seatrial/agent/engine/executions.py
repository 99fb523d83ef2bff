"""Commands that the engine runs inside a running container. The engine cannot end a command it has started there."""

import asyncio

from aiodocker.execs import Exec

from seatrial.agent.engine.connection import Connection
from seatrial.agent.vocabulary.errors import EngineRefused

KEPT_CHARACTERS = 65_536


class Execution:
    """One command inside a container."""

    def __init__(self, connection: Connection, execution: Exec) -> None:
        self._connection = connection
        self._execution = execution

    async def outcome(self, seconds: float | None = None) -> tuple[int, str] | None:
        """Start the command and return its exit code and output; None if it has not ended after `seconds` and runs on.

        The time starts when the engine has received the request: otherwise a command that was never requested would count
        as running for ever.
        """
        output = ""
        with self._connection.calls():
            async with self._execution.start(detach=False) as stream:
                try:
                    async with asyncio.timeout(seconds):
                        while (message := await stream.read_out()) is not None:
                            output = (output + message.data.decode(errors="replace"))[-KEPT_CHARACTERS:]
                except TimeoutError:
                    return None
            return int((await self._execution.inspect())["ExitCode"] or 0), output

    async def goes_on(self) -> bool:
        """Whether the command has not ended: it runs, or a busy engine has not started it yet."""
        try:
            with self._connection.calls():
                shown = await self._execution.inspect()
        except EngineRefused:  # it was removed with its container
            return False
        return bool(shown["Running"]) or shown["ExitCode"] is None
