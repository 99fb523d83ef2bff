"""The images that this agent has pulled, and when each was used last: only these are ever collected, and never while in use.

What somebody loaded on the host (`docker load`), stands in for another, or was built for a preview is nobody's to collect here. In use
is an image of which there is a container, running or not (the engine keeps it), one that a deployment holds which is being prepared
or waits to start, and one that was used within RECENT_SECONDS, as a build's base is while it is copied.
"""

import asyncio
import contextlib
import json
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from seatrial import files
from seatrial.agent.builds.references import kept_as, named
from seatrial.agent.engine import Engine

log = structlog.get_logger(__name__)

RECENT_SECONDS = 3600.0
NOTED_AGAIN_SECONDS = 600.0  # an image that is used often is not noted each time
DAY_SECONDS = 86_400.0


@dataclass
class PulledImages:
    """`{reference: last used}`, kept in a file. Safe at any time: who looks for an image holds the `gate` meanwhile, and so does who
    removes one. After a crash, what is noted and gone is forgotten."""

    engine: Engine
    file: Path
    clock: Callable[[], float] = time.time
    gate: asyncio.Lock = field(default_factory=asyncio.Lock)
    _held: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def hold(self, deployment: str, image: str) -> None:
        """Keep `image`, a name in a recipe or on the engine, until `deployment` releases it."""
        self._held[deployment] |= {named(image), kept_as(named(image))}

    def release(self, deployment: str) -> None:
        """What it held has containers now, or is not needed any more."""
        self._held.pop(deployment, None)

    def note(self, reference: str, *, pulled: bool = False) -> None:
        """It is used now; of others than those that were `pulled`, nothing is noted."""
        known, now = self._known(), self.clock()
        if pulled or (reference in known and now - known[reference] > NOTED_AGAIN_SECONDS):
            files.replace(self.file, json.dumps({**known, reference: now}))

    async def prune(self, unused_days: float) -> None:
        """Remove those that nobody used for that long."""
        oldest = self.clock() - unused_days * DAY_SECONDS
        for reference, used in self._known().items():
            if used < oldest:
                await self._remove(reference)

    async def shrink(self, most_bytes: int) -> None:
        """Remove those that were not used for longest until the others hold at most `most_bytes`; 0: no limit."""
        sizes = {one: await self._size(one) for one in sorted(self._known(), key=self._known().__getitem__)}
        over = sum(sizes.values()) - most_bytes
        for reference, size in sizes.items():
            if not most_bytes or over <= 0:
                return
            if await self._remove(reference):
                over -= size

    async def _size(self, reference: str) -> int:
        image = await self.engine.images.get(reference)
        return (image.bytes or 0) if image is not None else 0

    async def _remove(self, reference: str) -> bool:
        """Whether it is gone now."""
        async with self.gate:
            recent = self.clock() - self._known().get(reference, 0) < RECENT_SECONDS
            if recent or any(reference in held for held in self._held.values()):
                return False
            await self.engine.images.remove(reference)
            if await self.engine.images.get(reference) is not None:
                return False  # a container uses it
            known = self._known()
            known.pop(reference, None)
            files.replace(self.file, json.dumps(known))
            log.info("image collected", image=reference)
            return True

    def _known(self) -> dict[str, float]:
        with contextlib.suppress(FileNotFoundError, ValueError):
            known: dict[str, float] = json.loads(self.file.read_text())
            return known
        return {}
