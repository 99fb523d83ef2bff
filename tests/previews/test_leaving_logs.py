"""A reader that leaves just as a line arrives leaves nothing behind, although Python 3.11 may lose its cancellation."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from functools import partial

from seatrial.control.dashboard.apps import dashboard
from seatrial.control.dashboard.streams import _file, _forward_all
from seatrial.control.previews.pages.logs import _batches
from seatrial.wire.logs import LogChunk, LogLine

LINE = LogLine(source="service", stream="stdout", text="ahoy")
CHUNK = LogChunk(environment="e", deployment="d", service="web", lines=[LINE])


class Tail:
    """Waits for lines as the bus's client does."""

    def __init__(self) -> None:
        self.arriving = asyncio.Queue[LogChunk]()
        self.left = False

    async def chunks(self) -> AsyncGenerator[LogChunk, None]:
        try:
            while True:
                yield await asyncio.wait_for(self.arriving.get(), 600)
        finally:
            self.left = True

    async def texts(self) -> AsyncGenerator[str, None]:
        async for chunk in self.chunks():
            yield chunk.lines[0].text


async def leaves(tail: Tail, read: Callable[[], AsyncGenerator[object, None]]) -> None:
    reader = read()
    tail.arriving.put_nowait(CHUNK)
    assert await anext(reader)
    tail.arriving.put_nowait(CHUNK)
    async with asyncio.timeout(60):
        await reader.aclose()
    assert tail.left


async def test_a_page_is_left_just_as_a_line_arrives() -> None:
    tail = Tail()
    await leaves(tail, lambda: _batches(tail.chunks()))


async def test_a_download_is_left_just_as_a_line_arrives() -> None:
    tail = Tail()
    await leaves(tail, lambda: _file(dashboard(), [partial(_forward_all, tail.texts)]))
