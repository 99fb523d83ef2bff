"""A cancelled task ends, even if its first cancellation is lost."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from seatrial.wire.ending import ended, heed, heeded

MOMENTS = 12  # turns of the loop: from before something arrives until long after it was taken


async def is_over(task: asyncio.Task[None]) -> bool:
    """Whether the task ends without another cancellation."""
    done, _ = await asyncio.wait([task], timeout=60)
    return bool(done)


@pytest.fixture
async def released() -> AsyncIterator[asyncio.Event]:
    """Set at the end: what a failing test leaves behind ends at once. Pytest cancels once, and then waits for ever."""
    event = asyncio.Event()
    yield event
    event.set()


async def test_a_task_that_lost_its_cancellation_is_cancelled_again(released: asyncio.Event) -> None:
    lost = asyncio.Event()

    async def deaf_once() -> None:
        """What asyncio.wait_for of Python 3.11 does when its end and a cancellation meet."""
        try:
            await released.wait()
        except asyncio.CancelledError:
            lost.set()
        await released.wait()

    task = asyncio.create_task(deaf_once())
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await ended(task, again_seconds=0.05)
    assert lost.is_set() and task.cancelled()


@pytest.mark.parametrize("moment", range(MOMENTS))
async def test_a_reader_ends_at_its_only_cancellation(moment: int, released: asyncio.Event) -> None:
    """At one of these moments wait_for has something to hand over, and drops the cancellation for it."""
    arrived = asyncio.Queue[str]()

    async def reads() -> None:
        while not released.is_set():
            with heeded():
                await asyncio.wait_for(arrived.get(), 3600)

    task = asyncio.create_task(reads())
    await asyncio.sleep(0.01)
    arrived.put_nowait("a line")
    for _ in range(moment):
        await asyncio.sleep(0)
    task.cancel()
    assert await is_over(task)
    assert task.cancelled()


async def test_what_fails_while_it_is_cancelled_is_cancelled(released: asyncio.Event) -> None:
    """The bus's client says of a connection that is closed meanwhile that it is closed."""

    async def reads() -> None:
        while not released.is_set():
            try:
                with heeded():
                    await _closed_when_cancelled()
            except ConnectionError:
                await asyncio.sleep(0)

    task = asyncio.create_task(reads())
    await asyncio.sleep(0)
    task.cancel()
    assert await is_over(task)
    assert task.cancelled()


async def test_a_task_that_tidies_up_after_a_cancellation_is_not_cancelled_again() -> None:
    tidy = asyncio.Event()

    async def works() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            with heeded():
                await asyncio.sleep(0)
            tidy.set()

    task = asyncio.create_task(works())
    await asyncio.sleep(0)
    task.cancel()
    assert await is_over(task)
    assert tidy.is_set()


async def test_a_loop_that_tries_for_ever_ends_at_a_lost_cancellation(released: asyncio.Event) -> None:
    async def tries() -> None:
        while not released.is_set():
            try:
                await _closed_when_cancelled()
            except ConnectionError:
                heed()

    task = asyncio.create_task(tries())
    await asyncio.sleep(0)
    task.cancel()
    assert await is_over(task)


async def _closed_when_cancelled() -> None:
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        raise ConnectionError from None
