"""Reads the lines of a keeper's log."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from seatrial.wire.logs import LogLine
from seatrial.wire.words import LogSource, LogStream

LOOK_SECONDS = 0.2


async def read(
    path: Path, tail: int | None, since: datetime | None, more: Callable[[], bool]
) -> AsyncIterator[LogLine]:
    """Lines after `since`, at most the last `tail` of those that are there, then new ones while `more()`."""
    file = opened(path)
    if file is None:
        return
    with file:
        there = file.read().split(b"\n")
        rest = there.pop()
        for line in [line for raw in there if newer(line := parsed(raw), since)][-tail if tail else None :]:
            yield line
        while True:
            going_on = more()
            *lines, rest = (rest + file.read()).split(b"\n")
            for raw in lines:
                yield parsed(raw)
            if not going_on:
                return
            await asyncio.sleep(LOOK_SECONDS)
            if os.fstat(file.fileno()).st_size < file.tell():  # the log was started afresh
                file.seek(0)


def opened(path: Path) -> BinaryIO | None:
    """The log; None if nothing was ever logged."""
    return path.open("rb") if path.exists() else None


def newer(line: LogLine, since: datetime | None) -> bool:
    """Whether the line comes after `since`."""
    return since is None or line.at > since


def parsed(raw: bytes) -> LogLine:
    """The line that `raw` holds, `<time> <stream> <text>`."""
    stamp, stream, text = (*raw.decode(errors="replace").split(" ", 2), "", "")[:3]
    try:
        at = datetime.fromisoformat(stamp)
    except ValueError:
        at = datetime.now(UTC)
    return LogLine(at=at, source=LogSource.SERVICE, stream=stream or LogStream.STDOUT, text=text)
