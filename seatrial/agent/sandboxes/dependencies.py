"""`project.get_manifests`: what a commit says that it depends on, read once for all policies that ask for the same files."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

from seatrial.agent.sandboxes import documents
from seatrial.agent.sandboxes.documents import manifests
from seatrial.agent.sandboxes.documents.manifests import Known
from seatrial.agent.sandboxes.listing import matching
from seatrial.agent.sandboxes.reading import Reading

MOST_MANIFESTS = 2_000  # in one answer
MOST_TOGETHER = 30_000  # dependencies of them: what a policy's memory holds
LOCKS_KEPT = 8  # of which the names are held
MOST_LOCK = 8 << 20  # bytes of a lock file, of which only names are read
TOO_MANY = f"beyond the {MOST_MANIFESTS:,} manifests that are nearest to the root"
TOO_MUCH = f"beyond the first {MOST_TOGETHER:,} dependencies, counted from the root"


class Dependencies:
    """One commit's manifests. Calls may run concurrently. Raises CheckoutError, and Unanswerable where somebody's pattern is wrong."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._at_it = asyncio.Lock()  # reading takes processor time, and siblings want the same lock files
        self._locks: dict[str, Known | None] = {}  # the one that was used last is at the end

    async def manifests(self, *choice: Sequence[str]) -> dict[str, Any]:
        """`{manifests, left_out}`, by path: see `documents.manifests`. Where there are too many, those nearest to the root are read, and
        `left_out` says why others were not."""
        paths, left_out = await self._meant(*choice)
        found: list[dict[str, Any]] = []
        room = MOST_TOGETHER
        async with self._at_it:
            for path in paths:
                if room <= 0:
                    left_out[path] = TOO_MUCH
                    continue
                one = await self._manifest(path)
                room -= len(one["dependencies"]) if one else 0
                found += [one] if one else []
        return {"manifests": sorted(found, key=lambda one: one["path"]), "left_out": left_out}

    async def digest(self, *choice: Sequence[str]) -> str:
        """What the answer depends on, without reading."""
        paths, left_out = await self._meant(*choice)
        index = await self._reading.index()
        locks = {lock for path in paths if (lock := manifests.lock_of(path, index))}
        whole = hashlib.sha256(documents.VERSION.encode())
        for path in [*paths, *sorted(locks)]:
            digest = await self._reading.file_digest(path)
            whole.update(path.encode(errors="surrogateescape") + b"\0" + digest.encode() + b"\0")
        for path in left_out:
            whole.update(path.encode(errors="surrogateescape") + b"\0")
        return whole.hexdigest()

    async def _meant(self, *choice: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        """Those to be read, the nearest to the root first; and why others are not."""
        every = await asyncio.to_thread(matching, await self._reading.names(), manifests.PATTERNS)
        if any(choice):
            meant = set(await self._reading.paths(*choice))
            every = [path for path in every if path in meant]
        ordered = sorted(every, key=lambda path: (path.count("/"), path))
        return ordered[:MOST_MANIFESTS], dict.fromkeys(ordered[MOST_MANIFESTS:], TOO_MANY)

    async def _manifest(self, path: str) -> dict[str, Any] | None:
        text = await self._reading.content(path)
        if text is None:
            return None
        if not isinstance(text, str):
            return manifests.unread(path, text["unreadable"])
        lock = manifests.lock_of(path, await self._reading.index())
        known = await self._known(manifests.kind_of(path), lock) if lock else None
        return await asyncio.to_thread(manifests.manifest, path, text, known, lock)

    async def _known(self, kind: str, lock: str) -> Known | None:
        """What a lock file holds. It is read once: in a monorepo, hundreds of manifests have the same."""
        if lock in self._locks:
            known = self._locks.pop(lock)
        else:
            blob = await self._reading.blob(lock, MOST_LOCK)
            text = None if blob is None else blob.decode(errors="replace")
            known = None if text is None else await asyncio.to_thread(manifests.locked, kind, text)
        self._locks[lock] = known
        if len(self._locks) > LOCKS_KEPT:
            del self._locks[next(iter(self._locks))]
        return known
