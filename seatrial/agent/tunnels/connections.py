"""A TCP connection to a service of a preview."""

import asyncio
import contextlib
from typing import Self

from seatrial.wire.tunnels import PIECE, Kind

CONNECT_SECONDS = 10.0


class Connection:
    """See Far."""

    ends_with_output = False

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, address: str, port: int) -> Self:
        """Raises OSError, TimeoutError."""
        async with asyncio.timeout(CONNECT_SECONDS):
            return cls(*await asyncio.open_connection(address, port))

    async def read(self) -> tuple[Kind, bytes] | None:
        """See Far."""
        data = await self._reader.read(PIECE)
        return (Kind.OUTPUT, data) if data else None

    async def write(self, data: bytes) -> None:
        """See Far."""
        self._writer.write(data)
        await self._writer.drain()

    async def end_input(self) -> None:
        """See Far."""
        with contextlib.suppress(OSError):
            self._writer.write_eof()

    async def resize(self, rows: int, columns: int) -> None:
        """See Far."""

    async def exit_code(self) -> int | None:
        """See Far."""
        return None

    async def close(self) -> None:
        """See Far."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
