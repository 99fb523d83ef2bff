"""The standard streams of a container, or of a command in one."""

import asyncio
import contextlib
from dataclasses import dataclass

import aiohttp
from aiodocker.stream import Stream

_STDOUT = 1


@dataclass(frozen=True)
class Said:
    """Bytes that a container wrote."""

    data: bytes
    error: bool  # on stderr


class Attached:
    """A connection to the streams. Every call except `close` may raise OSError if the container or the engine is gone."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._turn = asyncio.Lock()

    async def read(self) -> Said | None:
        """The container's next output; None at its end."""
        try:
            message = await self._stream.read_out()
        except aiohttp.ClientError as error:
            raise OSError(f"the connection to the engine broke: {error}") from error
        return None if message is None else Said(message.data, message.stream != _STDOUT)

    async def write(self, data: bytes) -> None:
        """Send all of `data` to the container's stdin, or nothing if this is cancelled before its turn has come.

        One caller at a time, so that what waits for a slow container is what one of them sends. And whoever is cancelled leaves
        the write to itself: all writers of a connection wait for the same future, and cancelling that cancels all of them.
        """
        async with self._turn:
            writing = asyncio.create_task(self._write(data), name="write to a container")
            writing.add_done_callback(lambda done: done.cancelled() or done.exception())
            await asyncio.shield(writing)

    async def _write(self, data: bytes) -> None:
        try:
            await self._stream.write_in(data)
        except (RuntimeError, AssertionError, AttributeError) as error:  # aiodocker's ways to say "closed"
            raise OSError("not attached any more") from error

    def end_input(self) -> None:
        """Nothing more is written: whatever reads there comes to its end. A no-op where that is over."""
        with contextlib.suppress(OSError, RuntimeError, AttributeError):
            response = self._stream._resp  # noqa: SLF001 (aiodocker can only end both directions)
            response.connection.transport.write_eof()  # type: ignore[union-attr]

    async def close(self) -> None:
        """Detach from the container. Idempotent; never raises."""
        with contextlib.suppress(Exception):
            await self._stream.close()
