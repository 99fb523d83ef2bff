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
    """If the log is larger than `max_bytes`, keep that much of its end as `older` and empty it. Returns whether it did.

    All writers append, so they continue at the new end. Lines written between the copy and the emptying are lost.
    """
    size = log.stat().st_size
    if size <= max_bytes:
        return False
    kept = older(log).with_suffix(".new")
    with log.open("rb") as source, kept.open("wb") as target:
        source.seek(size - max_bytes)
        source.readline()  # skip the line in which the copy begins, which is probably incomplete
        target.write(
            source.read(size - source.tell())
        )  # up to the size measured above: the log may still grow
    kept.replace(older(log))
    os.truncate(log, 0)
    return True


def trim_all(directory: Path, *, max_bytes: int = MAX_BYTES) -> None:
    """`trim` every log of the directory. If one fails, it is trimmed the next time."""
    for log in directory.glob("*.log"):
        with contextlib.suppress(OSError):
            trim(log, max_bytes=max_bytes)


async def keep_bounded(directory: Path) -> None:
    """Call `trim_all` every EVERY_SECONDS, for ever."""
    while True:
        await asyncio.to_thread(trim_all, directory)
        await asyncio.sleep(EVERY_SECONDS)
