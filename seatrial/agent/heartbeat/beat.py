"""The heartbeat: fire and forget, because the next one follows in ten seconds."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import structlog

from seatrial.agent.bus.connection import Bus
from seatrial.wire import subjects
from seatrial.wire.agents import HEARTBEAT_SECONDS, Heartbeat
from seatrial.wire.ending import heeded
from seatrial.wire.envelope import Envelope

log = structlog.get_logger(__name__)


def measured(directory: Path) -> dict[str, float | int]:
    """The host's capacity: all CPUs and memory, and the free space on the data directory's disk."""
    return {
        "cpus": float(psutil.cpu_count() or 1),
        "memory_mb": psutil.virtual_memory().total // 1024**2,
        "disk_free_mb": shutil.disk_usage(directory).free // 1024**2,
    }


def full(directory: Path, least_free_mb: int) -> list[str]:
    """The warning that nothing is built, where the disk is too full for it."""
    free_mb = shutil.disk_usage(directory).free // 1024**2
    if free_mb >= least_free_mb:
        return []
    return [
        f"nothing is built: {directory} has {free_mb:,} MB free, and {least_free_mb:,} MB are needed. Free some space on "
        "that disk, or lower GALLEY_MIN_FREE_MB"
    ]


FAREWELL_SECONDS = 2.0
LAST = "last-heartbeat"  # in the data directory: its time is that of the last heartbeat, for health checks from outside


async def beat(bus: Bus, heartbeat: Callable[[], Awaitable[Heartbeat]], directory: Path) -> None:
    """Send a heartbeat at once on every new connection, and every HEARTBEAT_SECONDS. Each touches LAST in `directory`.

    When cancelled, it says once more what it said last, and that it stops.
    """
    last: Heartbeat | None = None
    try:
        while True:
            client = await bus.client()
            session = bus.session
            try:
                said = await heartbeat()
                await client.publish(subjects.heartbeat(bus.agent), Envelope.wrap(said).encode())
                last = said
                (directory / LAST).touch(mode=0o600)
            except Exception as error:
                log.warning("heartbeat not sent", problem=repr(error))
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await bus.next_session(session)
            except TimeoutError:
                continue
    except asyncio.CancelledError:
        if last is not None and bus.connected:
            await _farewell(bus, last)
        raise


async def _farewell(bus: Bus, last: Heartbeat) -> None:
    message = Envelope.wrap(last.model_copy(update={"stopping": True}))
    try:
        async with asyncio.timeout(FAREWELL_SECONDS):
            client = await bus.client()
            await client.publish(subjects.heartbeat(bus.agent), message.encode())
            with heeded():
                await client.flush()
    except Exception as error:
        log.warning("last heartbeat not sent", problem=repr(error))
