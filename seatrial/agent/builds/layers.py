"""Records which layers of earlier builds are in use, and when others were last used, so that the cache can be pruned."""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seatrial import files
from seatrial.agent.builds.cell import Cell

USES = "uses.json"
NOTHING = ""  # stands for a build from scratch
DAY_SECONDS = 86_400.0


@dataclass
class Layers:
    """The scopes below `data`. Each remembers which base images its layers stand on: `{image id: last used}`.

    Builds of one scope and of several run together. `prune` does not wait for running builds and leaves alone what they
    use; builds that would begin meanwhile wait for it.
    """

    data: Path
    clock: Callable[[], float] = time.time
    _building: Counter[str] = field(default_factory=Counter)
    _gate: asyncio.Lock = field(default_factory=asyncio.Lock)

    @contextlib.asynccontextmanager
    async def used(self, scope: str) -> AsyncIterator[None]:
        """Marks the scope as in use by a build while the context is open."""
        async with self._gate:
            self._building[scope] += 1
        try:
            yield
        finally:
            self._building[scope] -= 1
            self._building += Counter()

    @contextlib.asynccontextmanager
    async def alone(self, scope: str) -> AsyncIterator[bool]:
        """Whether nobody but the caller's build uses the scope. Builds that would begin meanwhile wait."""
        async with self._gate:
            yield self._building[scope] <= 1

    def note(self, cell: Cell, images: Iterable[str]) -> None:
        """Note that a build in `cell` begins from `images`."""
        now = self.clock()
        uses = {**self._uses(cell.scope), **dict.fromkeys([*images] or [NOTHING], now)}
        files.replace(cell.outside(USES), json.dumps(uses))

    def scopes(self) -> list[str]:
        """The existing scopes."""
        folder = self.data / "scopes"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    async def prune(
        self,
        unused_days: float,
        remove_scope: Callable[[str], Awaitable[None]],
        remove_bases: Callable[[set[str]], Awaitable[None]],
    ) -> int:
        """Remove scopes that had no build for that long, or that use a base image no build used for that long; then, while
        no build runs, base images that no scope uses (`remove_bases` gets those to keep). Returns the number of scopes removed."""
        oldest = self.clock() - unused_days * DAY_SECONDS
        async with self._gate:
            unused = [s for s in self.scopes() if not self._building[s] and self._since(s) < oldest]
            for scope in unused:
                await remove_scope(scope)
            left = [self._uses(scope) for scope in self.scopes()]
            if not self._building.total() and all(left):
                await remove_bases({image for uses in left for image in uses})
        return len(unused)

    async def shrink(
        self, over: Callable[[], Awaitable[bool]], remove_scope: Callable[[str], Awaitable[None]]
    ) -> int:
        """While all of it is `over` what it may hold, remove the scope that was not built in for longest; never one that is
        built in. Returns how many were removed."""
        removed = 0
        async with self._gate:
            for scope in sorted(self.scopes(), key=self._last_used):
                if self._building[scope]:
                    continue
                if not await over():
                    break
                await remove_scope(scope)
                removed += 1
        return removed

    def _last_used(self, scope: str) -> float:
        return max(self._uses(scope).values(), default=0.0)

    def _since(self, scope: str) -> float:
        return min(self._uses(scope).values(), default=self.data.joinpath("scopes", scope).stat().st_mtime)

    def _uses(self, scope: str) -> Mapping[str, float]:
        with contextlib.suppress(FileNotFoundError, ValueError):
            uses: dict[str, float] = json.loads((self.data / "scopes" / scope / USES).read_text())
            return uses
        return {}
