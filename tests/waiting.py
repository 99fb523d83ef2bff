"""Waiting for what takes as long as it takes: the limit is only there for what never comes, and never asserted."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
LIMIT_SECONDS = 60.0
LOOK_SECONDS = 0.05


def eventually(
    look: Callable[[], T],
    *,
    seconds: float = LIMIT_SECONDS,
    what: str = "",
    not_yet: tuple[type[Exception], ...] = (),
) -> T:
    """The first true answer of `look`; one of `not_yet` is an answer that is not true. The last one is in the failure."""
    deadline = time.monotonic() + seconds
    while True:
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
        time.sleep(LOOK_SECONDS)


async def until(
    look: Callable[[], T | Awaitable[T]],
    seconds: float = LIMIT_SECONDS,
    what: str = "",
    not_yet: tuple[type[Exception], ...] = (),
) -> T:
    """`eventually` in an event loop; `look` may be a coroutine function."""
    deadline = time.monotonic() + seconds
    while True:
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
        await asyncio.sleep(LOOK_SECONDS)
