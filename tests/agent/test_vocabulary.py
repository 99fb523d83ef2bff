"""A call that an engine answers late ends before its cancellation does, however often it is cancelled."""

import asyncio

import pytest

from seatrial.agent.vocabulary.whole import whole


async def test_cancelled_twice_it_still_ends_first() -> None:
    answers, began = asyncio.Event(), asyncio.Event()
    made: list[str] = []

    @whole
    async def make() -> None:
        began.set()
        await answers.wait()
        made.append("network")

    making = asyncio.create_task(make())
    await began.wait()
    for _ in range(3):
        making.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert not making.done()
    answers.set()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert made == ["network"]
