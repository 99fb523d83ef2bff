"""Keeps the worker's tasks running: a task that fails is logged and started again, after a growing delay."""

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
    """Run `run`, again whenever it fails. A failure that repeats (a bus or a database that is away) is logged once."""
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
            problem = f"{type(error).__name__}: {error}"
            if problem != last:
                last = problem
                log.error(
                    "task failed, starting it again", task=name, error=problem, exc_info=not expected(error)
                )
        await asyncio.sleep(delay)
        delay = min(delay * 2, MAX_DELAY_SECONDS)


def expected(error: Exception) -> bool:
    """True for our own errors, and for a bus or a database that is away: their traceback would not help."""
    return isinstance(error, ControlError | OSError | TimeoutError | nats.errors.Error) or database_away(
        error
    )


def database_away(error: Exception) -> bool:
    """True when the database cannot be used now, so that no single message or delivery is the cause."""
    return isinstance(error, (*AWAY, psycopg.OperationalError))
