"""Whether a pull goes on: buildah says nothing between the beginning and the end of a layer."""

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

LOOK_SECONDS = 5.0
T = TypeVar("T")


class Stalled(Exception):
    """Nothing has come for too long."""


async def moving(work: Coroutine[Any, Any, T], folder: Path, stalled_seconds: float) -> T:
    """`work`, cancelled when what `folder` holds has not changed for so long. Raises Stalled then."""
    task = asyncio.ensure_future(work)
    size, still = -1, 0.0
    pause = min(LOOK_SECONDS, stalled_seconds)
    try:
        while not (await asyncio.wait({task}, timeout=pause))[0]:
            before, size = size, await asyncio.to_thread(size_of, folder)
            still = still + pause if size == before else 0.0
            if still >= stalled_seconds:
                raise Stalled(f"nothing was heard for {stalled_seconds:g} s")
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def size_of(folder: Path) -> int:
    """Bytes of all files below `folder`, as they come and go."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(where, name)).st_size  # noqa: PTH118
            except OSError:  # gone meanwhile
                continue
    return total
