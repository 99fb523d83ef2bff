"""Removes unused cache entries: once a day, and more often while the disk is nearly full. What exceeds its budget goes every hour."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

Prune = Callable[[float], Awaitable[None]]  # its argument: remove what was unused for that many days
LOOK_SECONDS = 60.0
HOUR_SECONDS = 3600.0
DAY_SECONDS = 24 * HOUR_SECONDS


@dataclass
class Housekeeping:
    """Calls every one of `prunes`, and of `budgets`. A failed one is retried the next time; previews are not affected."""

    directory: Path
    prunes: Sequence[Prune]
    unused_days: float
    min_free_mb: int
    budgets: Sequence[Callable[[], Awaitable[None]]] = ()
    look_seconds: float = LOOK_SECONDS

    async def run(self) -> None:
        """Clean up until cancelled."""
        waited, kept_to = DAY_SECONDS, HOUR_SECONDS
        while True:
            if kept_to >= HOUR_SECONDS:
                await self.keep_to_budgets()
                kept_to = 0.0
            if waited >= (HOUR_SECONDS if self.is_full() else DAY_SECONDS):
                await self.prune()
                waited = 0.0
            await asyncio.sleep(self.look_seconds)
            waited += self.look_seconds
            kept_to += self.look_seconds

    def is_full(self) -> bool:
        """Whether the disk is too full to build."""
        return shutil.disk_usage(self.directory).free // 1024**2 < self.min_free_mb

    async def keep_to_budgets(self) -> None:
        """Call every one of `budgets` once."""
        for budget in self.budgets:
            try:
                await budget()
            except Exception as error:
                log.warning("a cache exceeds its budget", error=str(error))

    async def prune(self) -> None:
        """Call every one of `prunes` once."""
        for prune in self.prunes:
            try:
                await prune(self.unused_days)
            except Exception as error:
                log.warning("a cache was not cleaned up", error=str(error))
