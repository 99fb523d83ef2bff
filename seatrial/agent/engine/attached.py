"""The standard streams of a container."""

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

    async def read(self) -> Said | None:
        """The container's next output; None at its end."""
        try:
            message = await self._stream.read_out()
        except aiohttp.ClientError as error:
            raise OSError(f"the connection to the engine broke: {error}") from error
        return None if message is None else Said(message.data, message.stream != _STDOUT)

    async def write(self, data: bytes) -> None:
        """Send all of `data` to the container's stdin."""
        try:
            await self._stream.write_in(data)
        except (RuntimeError, AssertionError, AttributeError) as error:  # aiodocker's ways to say "closed"
            raise OSError("not attached any more") from error

    async def close(self) -> None:
        """Detach from the container. Idempotent; never raises."""
        with contextlib.suppress(Exception):
            await self._stream.close()
