"""How tasks are ended."""

import asyncio
from typing import Any


async def ended(*tasks: asyncio.Task[Any], again_seconds: float) -> None:
    """Cancel, and return when all have ended.

    Told again and again: Python 3.11's wait_for, with which the bus's client reads, loses a cancellation that meets the
    end of what it waits for, as when a watcher leaves just as a line arrives.
    """
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=again_seconds)
