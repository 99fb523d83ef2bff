"""Parts that run for ever: if one fails, it is logged and restarted while the others continue."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger(__name__)

LONGEST_PAUSE_SECONDS = 30.0
CALM_SECONDS = 60.0  # a part that ran this long starts again without delay


async def keep(name: str, part: Callable[[], Awaitable[None]]) -> None:
    """Run `part` until cancelled, again and again with back-off."""
    pause = 0.5
    while True:
        began = time.monotonic()
        try:
            await part()
            log.warning("part ended; starting it again", part=name)
        except Exception:
            log.exception("part broke; starting it again", part=name)
        if time.monotonic() - began > CALM_SECONDS:
            pause = 0.5
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
