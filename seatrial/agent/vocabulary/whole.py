"""Calls that always run to completion."""

import asyncio
import contextlib
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def whole(call: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Await `call` to its end even if cancelled; only then is the cancellation raised.

    An engine completes a request even if nobody waits for it. If the call were dropped, its object would appear after
    the clean-up had looked for it, and would stay. Further cancellations while waiting do not cut the wait short.
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
                calling.exception()  # retrieved so that asyncio does not warn about it: nobody awaits it any more
            raise

    return ended
