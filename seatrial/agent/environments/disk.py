"""Watches what each environment holds on the disk: the files that its containers have written, and its volumes.

The engine is asked, which looks at every file: every EVERY_SECONDS, and at once when so much of the disk went that one preview may
have passed what it may hold. Nothing is stopped here: what was found is reported with what runs, and the control plane decides.
What lies in memory (tmpfs, /dev/shm) counts as memory, and logs are cut by the engine.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import structlog

from seatrial.agent.environments.large_files import largest_files
from seatrial.agent.runtime.base import Runtime
from seatrial.agent.vocabulary.disk import Holding
from seatrial.agent.vocabulary.errors import AgentError
from seatrial.wire.deployments import DiskUse, HeldOnDisk

log = structlog.get_logger(__name__)

EVERY_SECONDS = 60.0
GLANCE_SECONDS = 2.0
MUCH = 0.8  # of what it may hold: from then on it is told what is large
STEPS = 100  # a change of less than this part of what it may hold is no news
TOLD = 5  # of what is large
MEGABYTE = 1024**2


class DiskWatch:
    """What each environment held when the disk was last looked at. `most_mb` 0: as much as there is."""

    def __init__(self, runtime: Runtime, labels: Mapping[str, str], directory: Path, *, most_mb: int) -> None:
        self._runtime = runtime
        self._labels = labels
        self._directory = directory
        self._most_mb = most_mb
        self._uses: dict[str, DiskUse] = {}
        self.kinds: Mapping[str, int] = {}  # bytes on the whole disk, by `DiskKind`

    def of(self, environment: str) -> DiskUse | None:
        """What it held; None: nobody has looked since it exists, or there is no limit."""
        return self._uses.get(environment)

    async def run(self, changed: Callable[[str], None]) -> None:
        """Look until cancelled. `changed` is called with every environment of which there is news."""
        while True:
            try:
                for environment in await self.look():
                    changed(environment)
            except AgentError as error:
                log.warning("the disk was not looked at", problem=str(error))
            await self._while_little_is_written()

    async def look(self) -> list[str]:
        """Look now; returns those of which there is news."""
        disk = await self._runtime.disk(self._labels)
        self.kinds = disk.kinds
        if not self._most_mb:
            return []
        by_environment: dict[str, list[Holding]] = {}
        for one in disk.holdings:
            by_environment.setdefault(one.environment, []).append(one)
        uses = {
            environment: await asyncio.to_thread(use_of, holdings, self._most_mb)
            for environment, holdings in by_environment.items()
        }
        news = [one for one, use in uses.items() if self._uses.get(one) != use]
        self._uses = uses
        return news

    async def _while_little_is_written(self) -> None:
        before = self._free_mb()
        haste = self._most_mb * (1 - MUCH) if self._most_mb else float("inf")
        for _ in range(round(EVERY_SECONDS / GLANCE_SECONDS)):
            await asyncio.sleep(GLANCE_SECONDS)
            if before - self._free_mb() >= haste:
                return

    def _free_mb(self) -> int:
        return shutil.disk_usage(self._directory).free // MEGABYTE


def use_of(holdings: Iterable[Holding], most_mb: int) -> DiskUse:
    """All of one environment together, in steps of a hundredth of what it may hold."""
    known = sorted(holdings, key=lambda one: -one.bytes)
    used_mb = sum(one.bytes for one in known) // MEGABYTE
    step = max(1, most_mb // STEPS)
    if used_mb < most_mb * MUCH:
        return DiskUse(used_mb=used_mb // step * step, most_mb=most_mb)
    files = [(one, file) for one in known if one.folder for file in largest_files(one.folder, TOLD)]
    large = [
        HeldOnDisk(
            service=one.service, path=f"{one.path.rstrip('/')}/{file.path}"[:500], mb=file.bytes // MEGABYTE
        )
        for one, file in files
    ]
    whole = [
        HeldOnDisk(service=one.service, path=one.path[:500], mb=one.bytes // MEGABYTE)
        for one in known
        if one.bytes >= MEGABYTE
    ]
    largest = [*whole[:TOLD], *sorted(large, key=lambda one: -one.mb)[:TOLD]]
    return DiskUse(used_mb=min(used_mb // step * step, 2**40), most_mb=most_mb, largest=largest)
