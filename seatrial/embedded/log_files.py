"""Keeps every log bounded, even while its writer holds it open, so that a component that logs errors for weeks does not fill the disk."""

import asyncio
import contextlib
import os
from pathlib import Path

MAX_BYTES = 10_000_000
EVERY_SECONDS = 10.0


def older(log: Path) -> Path:
    """The file that keeps the end of a log that had grown too large."""
    return log.with_suffix(".log.1")


def trim(log: Path, *, max_bytes: int = MAX_BYTES) -> bool:
    """When the log has grown beyond `max_bytes`, keep that much of its end as `older` and empty it; True when it did.

    All writers append, so they go on at the new end. What they write between the copy and the emptying is lost.
    """
    size = log.stat().st_size
    if size <= max_bytes:
        return False
    kept = older(log).with_suffix(".new")
    with log.open("rb") as source, kept.open("wb") as target:
        source.seek(size - max_bytes)
        source.readline()  # a torn line, or the whole of one that is torn off here
        target.write(source.read(size - source.tell()))  # not to the end: that moves as we read
    kept.replace(older(log))
    os.truncate(log, 0)
    return True


def trim_all(directory: Path, *, max_bytes: int = MAX_BYTES) -> None:
    """`trim` every log of the directory. One that fails is left for the next time."""
    for log in directory.glob("*.log"):
        with contextlib.suppress(OSError):
            trim(log, max_bytes=max_bytes)


async def keep_bounded(directory: Path) -> None:
    """`trim_all` every EVERY_SECONDS, for ever."""
    while True:
        await asyncio.to_thread(trim_all, directory)
        await asyncio.sleep(EVERY_SECONDS)
