"""A build that uses more memory than one may ends.

What its processes use is added up every second, wherever they run: that needs no right to make control groups, which an agent in a
container or of an ordinary user has not. What grows faster than that the kernel ends, builds before all else.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

import psutil

from seatrial.agent.builds.stuck import processes
from seatrial.agent.vocabulary.errors import BuildError
from seatrial.wire.sizes import gigabytes

LOOK_SECONDS = 1.0
MEGABYTE = 1024**2
T = TypeVar("T")


async def watched(work: Coroutine[Any, Any, T], mark: str, most_mb: int, what: str) -> T:
    """`work`, which runs a command that has `mark` among its arguments; cancelled when that and all below it use more than `most_mb`
    (0: no limit). Raises BuildError then."""
    if not most_mb:
        return await work
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({task}, timeout=LOOK_SECONDS))[0]:
            used_mb = await asyncio.to_thread(used_by, mark, most_mb)
            if used_mb > most_mb:
                raise BuildError(
                    f"{what}: stopped, because its build used {gigabytes(used_mb)} GB of memory, and a build gets at most "
                    f"{gigabytes(most_mb)} GB (GALLEY_BUILD_MEMORY). Have it do less at the same time, or have an operator raise that"
                )
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def used_by(mark: str, most_mb: int) -> int:
    """Megabytes that the command with `mark` and all below it use. What they share counts once where that decides."""
    found = processes(mark)
    at_most = sum(map(_resident, found)) // MEGABYTE
    return at_most if at_most <= most_mb else sum(map(_own_share, found)) // MEGABYTE


def _resident(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _own_share(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_full_info().pss)
    return 0
