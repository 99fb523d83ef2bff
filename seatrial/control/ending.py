"""How tasks are ended, and how none of them misses it."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """A cancellation that came while inside, and that was lost there, is raised at the end in place of result or error.

    For calls of the bus's client. It waits with Python 3.11's wait_for, which loses a cancellation that meets the end
    of what it waits for, as when a watcher leaves just as a line arrives; and what it waits for on a connection that is
    closed meanwhile ends with an error of its own instead. A task that went on after that would never end: whoever
    closes an event loop cancels once, and waits.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError


def heed() -> None:
    """Raise a cancellation of this task that was lost; for callbacks in the middle of a library's loop that never ends."""
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError


async def ended(*tasks: asyncio.Task[Any], again_seconds: float) -> None:
    """Cancel, and return when all have ended. Told again and again, for what a library does not heed.

    Cancelled itself, it stops waiting: each task was told at least once.
    """
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=again_seconds)
