"""The streams of a container, on aiohttp's own flow control."""

import asyncio
from typing import cast

import pytest
from aiodocker.stream import Stream
from aiohttp.base_protocol import BaseProtocol

from seatrial.agent.engine.attached import Attached


class SlowStream:
    """A container that reads nothing until its `protocol` is told to resume writing."""

    def __init__(self) -> None:
        self.protocol = BaseProtocol(asyncio.get_running_loop())
        self.protocol.connection_made(asyncio.Transport())
        self.protocol.pause_writing()
        self.written: list[bytes] = []

    async def write_in(self, data: bytes) -> None:
        self.written.append(data)
        await self.protocol._drain_helper()


async def test_who_stops_waiting_for_a_slow_container_takes_no_other_writer_along() -> None:
    slow = SlowStream()
    attached = Attached(cast(Stream, slow))
    first, second = (asyncio.create_task(attached.write(data)) for data in (b"first", b"second"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    third = asyncio.create_task(attached.write(b"third"))
    await asyncio.sleep(0)
    slow.protocol.resume_writing()
    await asyncio.gather(second, third)
    assert slow.written == [b"first", b"second", b"third"]


async def test_a_write_that_was_cancelled_before_its_turn_sends_nothing() -> None:
    slow = SlowStream()
    attached = Attached(cast(Stream, slow))
    first, second = (asyncio.create_task(attached.write(data)) for data in (b"first", b"second"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second.cancel()
    slow.protocol.resume_writing()
    await first
    assert slow.written == [b"first"]
