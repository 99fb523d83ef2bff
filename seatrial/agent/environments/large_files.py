"""Finds the largest files below a folder that strangers write to: no link is followed, no file opened, and the search is bounded."""

import heapq
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seatrial.wire.visible import visible

MOST_LOOKED_AT = 200_000
MOST_DEEP = 64
LEAST_BYTES = 1024**2


@dataclass(frozen=True)
class LargeFile:
    """`path` is relative to the folder, and can be shown."""

    path: str
    bytes: int


def largest_files(folder: Path, count: int) -> list[LargeFile]:
    """At most `count` files of a megabyte or more, the largest first; none where the folder cannot be read."""
    found = heapq.nlargest(count, _files(folder), key=lambda one: one[1])
    return [LargeFile(visible(str(Path(path).relative_to(folder)))[:400], size) for path, size in found]


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    left, waiting = MOST_LOOKED_AT, [(str(folder), 0)]
    while waiting and left:
        path, depth = waiting.pop()
        try:
            entries = os.scandir(path)
        except OSError:
            continue  # it went meanwhile, or is not ours to read
        with entries:
            for entry in entries:
                left -= 1
                if left <= 0:
                    return
                try:
                    below, status = entry.is_dir(follow_symlinks=False), entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                if below and depth < MOST_DEEP:
                    waiting.append((entry.path, depth + 1))
                # What it holds on the disk: a file with holes is smaller than it says.
                elif not below and (size := status.st_blocks * 512) >= LEAST_BYTES:
                    yield entry.path, size
