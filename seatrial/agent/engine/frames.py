"""What containers write, as engines send it: in frames, each of which says which stream it is of."""

import asyncio
import struct
from collections.abc import AsyncGenerator

import aiohttp

GONE = (aiohttp.ClientError, asyncio.IncompleteReadError, ConnectionError)


async def frames(content: aiohttp.StreamReader) -> AsyncGenerator[tuple[int, bytes], None]:
    """Pieces of its streams. A container with a terminal has one stream, which comes as it is: each line begins with its time,
    and a frame never with a digit."""
    try:
        head = await content.readexactly(8)
        if head[:1].isdigit():
            yield 1, head
            async for data in content.iter_any():
                yield 1, data
            return
        while True:
            kind, length = struct.unpack(">BxxxL", head)
            yield (2 if kind == 2 else 1), await content.readexactly(length)
            head = await content.readexactly(8)
    except GONE:
        return
