"""Functions that wait for an event. Their time limit only ends a wait for an event that never comes; no test asserts it."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
LIMIT_SECONDS = 300.0  # waiting costs nothing where a machine is quick
LOOK_SECONDS = 0.05
PAUSE_SECONDS = 1.0  # at most


def eventually(
    look: Callable[[], T],
    *,
    seconds: float = LIMIT_SECONDS,
    what: str = "",
    not_yet: tuple[type[Exception], ...] = (),
) -> T:
    """The first true answer of `look`. An exception of `not_yet` counts as an untrue answer. A failure shows the last answer."""
    deadline = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        answer: object
        try:
            current = look()
            if current:
                return current
            answer = current
        except not_yet as error:
            answer = error
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s for {what or look}; last: {answer!r}")
        time.sleep(_pause(began))


async def until(
    look: Callable[[], T | Awaitable[T]],
    seconds: float = LIMIT_SECONDS,
    what: str = "",
    not_yet: tuple[type[Exception], ...] = (),
) -> T:
    """`eventually` in an event loop; `look` may be a coroutine function."""
    deadline = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        answer: object
        try:
            current = look()
            if inspect.isawaitable(current):
                current = await current
            if current:
                return current
            answer = current
        except not_yet as error:
            answer = error
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s for {what or look}; last: {answer!r}")
        await asyncio.sleep(_pause(began))


def _pause(began: float) -> float:
    """Until the next look: thrice as long as the last one took, so that looking leaves the processor to what is waited for."""
    return min(max(LOOK_SECONDS, 3 * (time.monotonic() - began)), PAUSE_SECONDS)
