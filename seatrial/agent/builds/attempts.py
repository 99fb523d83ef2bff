"""What ends a build without any fault of what it builds is tried again, by the platform and not by the pull request."""

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from seatrial.agent.vocabulary.errors import AgentError, BuilderFailed
from seatrial.agent.vocabulary.logs import Log

PAUSES_SECONDS = (1.0, 5.0)  # before the second and the third attempt
T = TypeVar("T")


class Interrupted(Exception):
    """The builder itself failed, most often because somebody killed one of its programs. The text says what happened.

    `finally_` is the error if it happens in every attempt; without one, it is the platform's.
    """

    def __init__(self, what: str, finally_: AgentError | None = None) -> None:
        super().__init__(what)
        self.finally_ = finally_


@contextlib.asynccontextmanager
async def hosts_fault() -> AsyncIterator[None]:
    """Raises Interrupted in place of an OSError, unless the disk is full: the host has no process or no memory to give, or took a
    file away."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise Interrupted(f"the build could not run: {error}") from error


async def repeated(
    attempt: Callable[[], Awaitable[T]],
    log: Log,
    what: str,
    pauses_seconds: Sequence[float] = PAUSES_SECONDS,
) -> T:
    """`attempt`, which must be idempotent, once more after each pause as long as it is interrupted.

    Any other error, and a cancellation, ends it at once. Raises the interruption's own error after the last attempt, or
    BuilderFailed.
    """
    most = len(pauses_seconds) + 1
    for number, pause in enumerate([*pauses_seconds, None], start=1):
        try:
            return await attempt()
        except Interrupted as interrupted:
            if pause is None:
                raise interrupted.finally_ or BuilderFailed(
                    f"{what}: the builder failed in {most} attempts; the last time, {interrupted}. Most often the agent's "
                    "host has no memory left: free some, or lower GALLEY_MAX_PARALLEL_BUILDS, then rebuild"
                ) from interrupted
            await log(
                f"{what}: not your code: {interrupted}. Trying again in {pause:g} s (attempt {number + 1} of {most})"
            )
            await asyncio.sleep(pause)
    raise AssertionError("the last attempt has raised or returned")
