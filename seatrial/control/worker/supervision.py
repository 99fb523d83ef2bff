"""Keeps the worker's tasks running: what fails is logged once and started again with back-off."""

import asyncio
from collections.abc import Awaitable, Callable

import nats.errors
import psycopg
import structlog

from seatrial.control.database_errors import AWAY
from seatrial.control.errors import ControlError

log = structlog.get_logger(__name__)

FIRST_DELAY_SECONDS = 0.2
MAX_DELAY_SECONDS = 10.0
HEALTHY_AFTER_SECONDS = 30.0


async def supervise(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run `run` for ever. The same failure again and again (a bus or database away) is one line in the log."""
    delay = FIRST_DELAY_SECONDS
    last = ""
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        try:
            await run()
            return
        except asyncio.CancelledError:
            raise
        except Exception as error:
            if loop.time() - began > HEALTHY_AFTER_SECONDS:
                delay, last = FIRST_DELAY_SECONDS, ""
            said = f"{type(error).__name__}: {error}"
            if said != last:
                last = said
                log.error(
                    "task failed, starting it again", task=name, error=said, exc_info=not expected(error)
                )
        await asyncio.sleep(delay)
        delay = min(delay * 2, MAX_DELAY_SECONDS)


def expected(error: Exception) -> bool:
    """True for an error of ours, and for a bus or database that is away, where a traceback tells nothing."""
    return isinstance(error, ControlError | OSError | TimeoutError | nats.errors.Error) or database_away(
        error
    )


def database_away(error: Exception) -> bool:
    """True when nothing can be written down now, so that no single message or delivery is to blame."""
    return isinstance(error, (*AWAY, psycopg.OperationalError))
