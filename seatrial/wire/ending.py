"""Cancels tasks reliably, although libraries lose cancellations."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """If the task is cancelled during the block, raise CancelledError at its end, whatever the block's result or error.

    Calls of the bus's client are wrapped in it. The client uses Python 3.11's wait_for, which loses a cancellation that
    arrives at the same moment as the awaited result, for instance when a watcher leaves just as a line arrives. And
    when the connection is closed meanwhile, the client raises an error of its own instead of CancelledError. A task
    that carried on after a lost cancellation would never end, because closing an event loop cancels every task only
    once and then waits for it.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError


def heed() -> None:
    """Raise CancelledError if this task was cancelled. For callbacks that a library calls inside an endless loop."""
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError


async def ended(*tasks: asyncio.Task[Any], again_seconds: float) -> None:
    """Cancel `tasks`, again every `again_seconds` because a library may lose a cancellation, until all have ended.

    When this call is cancelled itself, it stops waiting; each task has been cancelled at least once by then.
    """
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=again_seconds)
