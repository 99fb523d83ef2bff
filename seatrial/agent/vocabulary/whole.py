"""Calls that are not left half-way."""

import asyncio
import contextlib
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def whole(call: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Let `call` end before its cancellation does.

    An engine makes what it was asked for whether or not anybody waits. Were the call dropped, the thing would appear
    after its clean-up had looked, and stay. Who is cancelled again while it waits, waits on.
    """

    @functools.wraps(call)
    async def ended(*args: P.args, **kwargs: P.kwargs) -> R:
        calling = asyncio.create_task(call(*args, **kwargs))
        try:
            return await asyncio.shield(calling)
        except asyncio.CancelledError:
            while not calling.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([calling])
            if not calling.cancelled():
                calling.exception()  # looked at, so that asyncio does not complain: nobody waits for it any more
            raise

    return ended
