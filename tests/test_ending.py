"""Tasks that are cancelled end, whatever becomes of the first cancellation."""

import asyncio

from seatrial.control.ending import ended


async def test_a_task_that_lost_its_cancellation_is_cancelled_again() -> None:
    lost = asyncio.Event()

    async def deaf_once() -> None:
        """What asyncio.wait_for of Python 3.11 does when its end and a cancellation meet."""
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            lost.set()
        await asyncio.sleep(3600)

    task = asyncio.create_task(deaf_once())
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await ended(task, again_seconds=0.05)
    assert lost.is_set() and task.cancelled()
