"""The objects of one cache, as git's `cat-file` tells of them: their sizes, and their bytes, kept while there is room."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.agent.checkouts.git import Git
from seatrial.agent.commands.running import Finished

MOST_KEPT = 32 * 1024 * 1024  # bytes of blobs of one commit


class Missing(Exception):
    """The cache lacks an object that it should have."""


class Broken(Exception):
    """Git did not come to its end: a part of what it says would look like the whole."""

    def __init__(self, done: Finished) -> None:
        super().__init__(f"exit code {done.code}")
        self.done = done


@dataclass(eq=False)
class Blobs:
    """Reads objects. One process of git at a time, however many callers there are: several often want the same blobs, and those
    that waited find them here. Raises Missing, Broken, and CheckoutError without git."""

    bare: Path
    most_kept: int = MOST_KEPT
    _kept: dict[str, bytes] = field(default_factory=dict)
    _kept_bytes: int = 0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def room(self) -> int:
        """Bytes that may still be kept."""
        return self.most_kept - self._kept_bytes

    async def read(self, oids: Iterable[str]) -> dict[str, bytes]:
        """The bytes of each. What was read first is kept, and nothing is given up for what comes later: whoever reads
        everything again, in the same order, would otherwise find nothing."""
        wanted = dict.fromkeys(oids)
        if any(oid not in self._kept for oid in wanted):
            async with self._turn:
                lacking = [oid for oid in wanted if oid not in self._kept]
                found = dict(blobs_of(await self._ask("--batch", lacking))) if lacking else {}
            if len(found) < len(lacking):
                raise Missing
            self._keep(found)
        else:
            found = {}
        return {oid: found[oid] if oid in found else self._kept[oid] for oid in wanted}

    async def sizes(self, oids: Iterable[str]) -> dict[str, int]:
        """Bytes of each object. (`ls-tree --long` would open an object once for each of its paths.)"""
        async with self._turn:
            out = await self._ask("--batch-check=%(objectname) %(objectsize)", oids)
        sizes = dict(line.split() for line in out.decode().splitlines())
        if "missing" in sizes.values():
            raise Missing
        return {oid: int(size) for oid, size in sizes.items()}

    def _keep(self, found: dict[str, bytes]) -> None:
        for oid, blob in found.items():
            if oid not in self._kept and len(blob) <= self.room:
                self._kept[oid] = blob
                self._kept_bytes += len(blob)

    async def _ask(self, form: str, oids: Iterable[str]) -> bytes:
        """What git says of each. `--buffer`: it writes when it has much to say, and not once for each object."""
        asked = "".join(f"{oid}\n" for oid in oids).encode()
        done = await Git().finished("--git-dir", str(self.bare), "cat-file", "--buffer", form, stdin=asked)
        if done.code:
            raise Broken(done)
        return done.output


def blobs_of(out: bytes) -> Sequence[tuple[str, bytes]]:
    """(oid, content) pairs of `cat-file --batch` output; missing objects are left out."""
    blobs: list[tuple[str, bytes]] = []
    position = 0
    while position < len(out):
        line_end = out.index(b"\n", position)
        parts = out[position:line_end].decode().split()
        position = line_end + 1
        if len(parts) == 3:
            size = int(parts[2])
            blobs.append((parts[0], out[position : position + size]))
            position += size + 1
    return blobs
