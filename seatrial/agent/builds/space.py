"""A build that fills the disk ends before the disk is full."""

import asyncio
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from seatrial.agent.vocabulary.errors import NoSpace

LOOK_SECONDS = 1.0
T = TypeVar("T")


async def watched(work: Coroutine[Any, Any, T], folder: Path, least_free_mb: int, what: str) -> T:
    """`work`, cancelled when less than `least_free_mb` is left on the disk of `folder`. Raises NoSpace then."""
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({task}, timeout=LOOK_SECONDS))[0]:
            free_mb = shutil.disk_usage(folder).free // 1024**2
            if free_mb < least_free_mb:
                raise NoSpace(
                    f"{what}: stopped, because only {free_mb:,} MB were left on the disk of {folder} while it was "
                    f"built; {least_free_mb:,} MB must stay free. Make the build smaller, or free some space"
                )
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
