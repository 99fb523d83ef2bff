"""Jobs from the queue, as this room uses them: one at a time, kept alive while it is worked on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Protocol

from seatrial.wire.envelope import Envelope, Message

STILL_AT_IT_SECONDS = (
    15.0  # between two reports that a job is being worked on; well below the queue's ack wait
)
TRIES = 4  # deliveries of a job before it is answered with an error; below the queue's own limit
RETRY_SECONDS = 3.0


class Job(Protocol):
    """One delivery from the queue. See `bus.jobs.Job`."""

    envelope: Envelope
    message: Message

    @property
    def deliveries(self) -> int:
        """How often the job was delivered, this time included."""

    async def ack(self) -> None:
        """Report that the job is done."""

    async def in_progress(self) -> None:
        """Report that the job is being worked on."""

    async def nak(self, delay_seconds: float | None = None) -> None:
        """Give the job back for a later delivery."""

    async def term(self) -> None:
        """Drop the job for good."""


class Jobs(Protocol):
    """The queue of jobs."""

    async def fetch(self, timeout_seconds: float = 5.0) -> Job | None:
        """The next job, or None when none came in time."""


@contextlib.asynccontextmanager
async def kept_alive(job: Job) -> AsyncIterator[None]:
    """Tell the queue that the job is being worked on, as long as the block runs."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(STILL_AT_IT_SECONDS)
            with contextlib.suppress(Exception):  # the bus is unavailable; the next report is soon enough
                await job.in_progress()

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
