"""Ends tasks for certain, although libraries lose cancellations."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """Raise a cancellation that came during the block and was lost there, in place of the block's result or error.

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
    """Cancel `tasks`, every `again_seconds` anew because a library may lose a cancellation, until all have ended.

    When this call is cancelled itself it stops waiting: by then, each task was cancelled at least once.
    """
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=again_seconds)
