"""A commit in a bare cache, read through git's object store."""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from seatrial import files
from seatrial.agent.checkouts import comparison, tags
from seatrial.agent.checkouts.blobs import Blobs, Broken, Missing
from seatrial.agent.checkouts.git import Git, GitFailed, last_words
from seatrial.agent.commands.running import Finished, TooMuchOutput
from seatrial.agent.vocabulary.errors import CheckoutError, Incomplete
from seatrial.agent.vocabulary.tree import LINK, REGULAR, SUBMODULE, Changed, Entry, Tag, Tree, Written

T = TypeVar("T")
LONGEST_LINK = 1024  # bytes
READS_BEFORE_ALL = 8
SMALL_BLOB = 256 * 1024
MOST_LISTED = (
    128 * 1024 * 1024
)  # bytes of a tree's listing: a million files and more, for which an agent needs some 500 MB
MOST_EXPORTED = 8 * 1024**3  # bytes of one tree written out
MOST_AHEAD = 16 * 1024 * 1024  # bytes of one tree kept in memory while it is being read


@dataclass(eq=False)
class CommitTree:
    """Implements `Tree`. Holds no process between calls, so there is nothing to close. Its commit stays in the cache
    as long as somebody holds this object."""

    bare: Path
    commit: str
    listed_tags: Callable[[], Awaitable[list[tags.Named]]] = tags.nowhere  # asks its source for all
    damaged: bool = False  # an object of it cannot be read: its cache must be made afresh
    _entries: dict[str, Entry] | None = None
    _links: dict[str, str] | None = None
    _reads: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _blobs: Blobs = field(init=False)

    def __post_init__(self) -> None:
        self._blobs = Blobs(self.bare)

    async def entries(self) -> Sequence[Entry]:
        """See `Tree.entries`."""
        return list((await self._index()).values())

    async def read(self, path: str, *, limit: int = 10_000_000) -> bytes | None:
        """See `Tree.read`."""
        entry = (await self._index()).get(path)
        if entry is None or entry.mode not in REGULAR or (entry.size or 0) > limit:
            return None
        self._reads += 1
        if self._reads == READS_BEFORE_ALL:
            await self._read_ahead()
        return (await self._batch([entry.oid]))[entry.oid]

    async def _read_ahead(self) -> None:
        """Read every small blob with one process: a caller that asks for many files asks for most of them."""
        wanted: dict[str, None] = {}
        left = min(MOST_AHEAD, self._blobs.room)
        for entry in (await self._index()).values():
            size = entry.size or 0
            if entry.mode in REGULAR and size <= min(SMALL_BLOB, left) and entry.oid not in wanted:
                wanted[entry.oid] = None
                left -= size
        await self._batch(wanted)

    async def read_many(self, paths: Sequence[str], *, limit: int = 10_000_000) -> dict[str, bytes | None]:
        """`read` for many paths with one process."""
        index = await self._index()
        wanted = {
            path: entry.oid
            for path in paths
            if (entry := index.get(path)) and entry.mode in REGULAR and (entry.size or 0) <= limit
        }
        blobs = await self._batch(wanted.values()) if wanted else {}
        return {path: blobs.get(wanted.get(path, "")) for path in paths}

    async def links(self) -> Mapping[str, str]:
        """See `Tree.links`. Read once, with one process."""
        if self._links is None:
            named = {
                entry.path: entry.oid
                for entry in (await self._index()).values()
                if entry.mode == LINK and (entry.size or 0) <= LONGEST_LINK
            }
            blobs = await self._batch(named.values()) if named else {}
            self._links = {path: os.fsdecode(blobs[oid]) for path, oid in named.items() if oid in blobs}
        return self._links

    async def last_commit_date(self, path: str) -> str | None:
        """See `Tree.last_commit_date`."""
        out = await self._history("log", "-1", "--format=%cI", self.commit, "--", f":(literal){path}")
        return out.decode().strip() or None

    async def contributors(self) -> list[tuple[str, int]]:
        """See `Tree.contributors`."""
        out = await self._history("shortlog", "--summary", "--numbered", self.commit)
        pairs = (line.lstrip().split("\t", 1) for line in out.decode(errors="replace").splitlines())
        return [(name, int(count)) for count, name in pairs]

    async def changes(self, base: Tree) -> list[Changed]:
        """See `Tree.changes`."""
        return await self._comparison(base).changes()

    async def diff(self, base: Tree, paths: Sequence[str], limit: int) -> str | None:
        """See `Tree.diff`."""
        return await self._comparison(base).diff(paths, limit)

    async def history(self, base: Tree | None, limit: int) -> list[Written]:
        """See `Tree.history`."""
        self._require_history()
        return await comparison.history(self.bare, self.commit, base.commit if base else "", limit)

    async def tags(self) -> list[Tag]:
        """See `Tree.tags`."""
        self._require_history()
        return await tags.of_history(self.bare, self.commit, await self.listed_tags())

    def _comparison(self, base: Tree) -> comparison.Comparison:
        return comparison.Comparison(self.bare, base.commit, self.commit)

    async def _history(self, *arguments: str) -> bytes:
        """The output of a git command that needs history, which a shallow clone does not have."""
        self._require_history()
        return await self._git(*arguments)

    def _require_history(self) -> None:
        if is_shallow(self.bare):
            raise Incomplete(
                "the repository that this commit was fetched from is a shallow clone: its history ends early. "
                "Complete it there: git fetch --unshallow"
            )

    async def export(self, destination: Path) -> None:
        """See `Tree.export`."""
        await self._check_size()
        empty_folder(destination)
        with tempfile.TemporaryDirectory(prefix="index-", dir=self.bare) as scratch:
            disable_attributes(self.bare)
            await self._checkout(destination, Path(scratch) / "index")

    async def _check_size(self) -> None:
        size = sum(entry.size or 0 for entry in (await self._index()).values())
        if size > MOST_EXPORTED:
            raise CheckoutError(
                f"the files of commit {self.commit[:12]} have {size / 1024**3:,.1f} GB; "
                f"at most {MOST_EXPORTED // 1024**3} GB can be built from. Remove generated files"
            )

    async def _checkout(self, destination: Path, index: Path) -> None:
        git = Git(extra={"GIT_INDEX_FILE": str(index)})
        common = ("--git-dir", str(self.bare), "--work-tree", str(destination), "-c", "core.bare=false")
        try:
            await git.run(*common, "read-tree", self.commit)
            await git.run(
                *common, "-c", "core.symlinks=true", "checkout-index", "--all", "--force", "--quiet"
            )
        except GitFailed as error:
            raise CheckoutError(f"cannot write out commit {self.commit[:12]}: {error}") from error

    async def _index(self) -> dict[str, Entry]:
        async with self._lock:
            if self._entries is None:
                records = [record_of(record) for record in (await self._list()).split(b"\0") if record]
                known = {oid for _, mode, oid in records if mode != SUBMODULE}
                sizes = await self._told(self._blobs.sizes(known))
                entries = (Entry(path, mode, oid, sizes.get(oid)) for path, mode, oid in records)
                self._entries = {entry.path: entry for entry in sorted(entries, key=lambda e: e.path)}
            return self._entries

    async def _list(self) -> bytes:
        """The raw listing, up to a limit: a few small objects can describe a tree of billions of files."""
        arguments = ("ls-tree", "-r", "-z", "--full-tree", self.commit)
        try:
            done = await Git().finished("--git-dir", str(self.bare), *arguments, most_bytes=MOST_LISTED)
        except TooMuchOutput as error:
            raise CheckoutError(
                f"commit {self.commit[:12]} lists more than {MOST_LISTED // 1024**2} MB of file names. "
                "Remove generated files"
            ) from error
        if done.code < 0:
            raise self._ended(done)
        if done.code:
            raise self._damaged()
        return done.output

    def _ended(self, done: Finished) -> CheckoutError:
        said = f"it was ended by signal {-done.code}" if done.code < 0 else last_words(done.errors)
        return CheckoutError(f"cannot read commit {self.commit[:12]}: git: {said}")

    def _damaged(self) -> CheckoutError:
        self.damaged = True
        return CheckoutError(f"cannot read commit {self.commit[:12]}: its tree is damaged")

    async def _batch(self, oids: Iterable[str]) -> dict[str, bytes]:
        return await self._told(self._blobs.read(oids))

    async def _told(self, answer: Awaitable[T]) -> T:
        try:
            return await answer
        except Missing:
            raise self._damaged() from None
        except Broken as error:
            raise self._ended(error.done) from None

    async def _git(self, *arguments: str) -> bytes:
        try:
            return await Git().run("--git-dir", str(self.bare), *arguments)
        except GitFailed as error:
            raise CheckoutError(f"cannot read commit {self.commit[:12]}: {error}") from error


def is_shallow(bare: Path) -> bool:
    """Whether some commit here lacks its parents because the source was a shallow clone."""
    return (bare / "shallow").exists()


def empty_folder(destination: Path) -> None:
    """Make `destination`. Raises CheckoutError when something is in it already."""
    destination.mkdir(parents=True, exist_ok=True)
    if any(destination.iterdir()):
        raise CheckoutError(f"{destination} is not empty: a tree is only written into an empty folder")


def disable_attributes(bare: Path) -> None:
    """info/attributes outranks every .gitattributes of the repository: no filter, no line ending change."""
    (bare / "info").mkdir(exist_ok=True)
    attributes = "* -text -filter -ident -working-tree-encoding -export-subst -export-ignore\n"
    files.replace(bare / "info" / "attributes", attributes)


def record_of(record: bytes) -> tuple[str, str, str]:
    """Path, mode and object of one record of `ls-tree`. Bytes of a path that are not UTF-8 become surrogates."""
    head, _, path = record.partition(b"\t")
    mode, _kind, oid = head.decode().split()
    return os.fsdecode(path), mode, oid
