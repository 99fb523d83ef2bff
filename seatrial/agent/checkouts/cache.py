"""One bare repository per project's repository, holding the commits that were requested recently."""

import asyncio
import re
import shutil
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar
from weakref import WeakSet, WeakValueDictionary

import structlog

from seatrial.agent.checkouts.askpass import knowing
from seatrial.agent.checkouts.authorities import trusted
from seatrial.agent.checkouts.commit import CommitTree, is_shallow
from seatrial.agent.checkouts.git import Git, GitFailed
from seatrial.agent.checkouts.tags import Named, listed
from seatrial.agent.checkouts.upkeep import note_use, remove_leftovers, tidy
from seatrial.agent.vocabulary.credentials import Credentials, OpenedCredential
from seatrial.agent.vocabulary.errors import CheckoutError, FetchFailed, Incomplete
from seatrial.agent.vocabulary.tree import Tree
from seatrial.wire.deployments import Source

T = TypeVar("T")
log = structlog.get_logger(__name__)

COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
ALLOWED = re.compile(r"(https|ssh|file)://|/|[\w.-]+@[\w.-]+:")
# Messages of git about a repository that is not whole any more.
DAMAGED = re.compile(
    r"corrupt|bad object|loose object|missing (blob|tree|commit)|not a git repository|unable to (read|unpack)|inflate|bad pack|"
    r"mismatched algorithms",
    re.IGNORECASE,
)
# Messages of the git at the other end, where objects are left to be fetched when somebody needs them.
PARTIAL = re.compile(r"lazy fetching disabled|from promisor remote", re.IGNORECASE)
HOW_TO_COMPLETE = "it is a partial clone, and lacks objects of this commit. Complete it there: git fetch --refetch --no-filter"
DAY_SECONDS = 86_400.0
# Between attempts to fetch a commit that a code host has announced but does not have yet, in seconds.
PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)


class NotThereYet(CheckoutError):
    """The source has no such commit."""


@dataclass
class Cache:
    """Commits of many repositories, each fetched once.

    `fetch` may be called concurrently: calls for one repository wait for each other, different repositories run
    together. It is idempotent and recreates a damaged cache once. It does not retry after a refusal of the remote,
    with two exceptions: a refused credential, which may have expired in the middle of a fetch, is replaced once; and a
    commit that a code host does not have is asked for again after each of `pauses`, because events can be faster than the
    references they are about. Other fetches of the repository go on meanwhile. A commit that `prune` dropped is fetched
    again; a commit is never dropped while somebody holds its tree.
    """

    directory: Path
    authorities: Path | None = None  # certificates to trust beside the system's
    pauses: Sequence[float] = PAUSES
    clock: Callable[[], float] = time.time
    # Weak references: an unused lock and an unread tree disappear by themselves.
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    _read: WeakSet[CommitTree] = field(default_factory=WeakSet)

    async def fetch(
        self, source: Source, repository_id: str, commit: str, credentials: Credentials | None = None
    ) -> Tree:
        """The tree of exactly `commit`. Raises CheckoutError naming the repository and the commit.

        A cached commit needs no credential. Otherwise one is requested right before git runs, and dropped afterwards.
        """
        if not COMMIT.fullmatch(commit):
            raise CheckoutError(f"{commit!r} is not a full commit id")
        if not REPOSITORY.fullmatch(repository_id):
            raise CheckoutError(f"{repository_id!r} is not a repository id")
        if not ALLOWED.match(source.clone_url):
            raise CheckoutError(
                f"{source.clone_url}: only local paths, https and ssh addresses can be fetched"
            )
        origin = Origin(source, repository_id, commit, credentials)
        waits = self.pauses if source.needs_credential else ()
        for pause in waits:
            try:
                return await self._fetched(origin)
            except NotThereYet:
                log.info("a commit is not at its code host yet", repository=repository_id, commit=commit)
            await asyncio.sleep(pause)
        try:
            return await self._fetched(origin)
        except NotThereYet as error:
            said = (
                f"{error}. The code host announced it, and did not have it for {sum(waits):.0f} s"
                if waits
                else str(error)
            )
            raise origin.explained(CheckoutError(said)) from error

    async def _fetched(self, origin: "Origin") -> Tree:
        """The tree, fetched now. Raises NotThereYet, unexplained, and explained CheckoutErrors."""
        async with self._locks.setdefault(origin.repository_id, asyncio.Lock()):
            bare = self.directory / f"{origin.repository_id}.git"
            await self._remove_damaged(bare)
            try:
                await self._ensure(bare, origin)
            except GitFailed as error:
                if PARTIAL.search(error.said):
                    raise origin.explained(Incomplete(HOW_TO_COMPLETE)) from error
                if not DAMAGED.search(error.said) or not bare.exists():
                    raise origin.explained(error) from error
                await asyncio.to_thread(shutil.rmtree, bare, ignore_errors=True)
                await self._ensure_again(bare, origin)
            note_use(bare, origin.commit, self.clock())
            tree = CommitTree(bare, origin.commit, partial(self._tags, bare, origin))
            self._read.add(tree)
            return tree

    async def prune(self, unused_days: float, needed: Callable[[], Collection[str]]) -> None:
        """Drop commits that were not requested for that long, and caches without any commit left. Safe at any time.

        Commits in `needed` and commits being read now are kept. Fetches of a repository wait while it is tidied. A cache
        that cannot be tidied is left as it is and the others continue; a damaged cache that nobody reads is removed.
        """
        oldest = self.clock() - unused_days * DAY_SECONDS
        for bare in list(self.directory.glob("*.git")):
            async with self._locks.setdefault(bare.stem, asyncio.Lock()):
                read = {tree.commit for tree in self._read if tree.bare == bare}
                try:
                    wanted = await tidy(bare, oldest, {*needed(), *read})
                except GitFailed as error:
                    log.warning("a git cache was not tidied", repository=bare.stem, problem=str(error))
                    wanted = bool(read) or not DAMAGED.search(error.said)
                if not wanted:
                    await asyncio.to_thread(shutil.rmtree, bare, ignore_errors=True)

    async def _remove_damaged(self, bare: Path) -> None:
        """Remove the cache if somebody who reads from it has found that it is damaged."""
        damaged = [tree for tree in self._read if tree.bare == bare and tree.damaged]
        if damaged:
            log.warning("a git cache is damaged and is made afresh", repository=bare.stem)
            await asyncio.to_thread(shutil.rmtree, bare, ignore_errors=True)
        for tree in damaged:
            tree.damaged = False

    async def _ensure_again(self, bare: Path, origin: "Origin") -> None:
        try:
            await self._ensure(bare, origin)
        except GitFailed as error:
            raise origin.explained(error) from error

    async def _ensure(self, bare: Path, origin: "Origin") -> None:
        commit = origin.commit
        if not (bare / "HEAD").exists():
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            objects = "sha256" if len(commit) == 64 else "sha1"
            await Git().run(
                "init", "--quiet", "--bare", "--template=", f"--object-format={objects}", str(bare)
            )
        here = await self._has(bare, commit)
        if here and not is_shallow(bare):
            return
        remove_leftovers(bare)
        try:
            await self._signed_in(bare, origin, lambda git: self._take(git, bare, origin))
        except CheckoutError:
            if not here:
                raise

    async def _tags(self, bare: Path, origin: "Origin") -> list[Named]:
        """All tags that the source has. Raises CheckoutError."""
        async with self._locks.setdefault(origin.repository_id, asyncio.Lock()):
            try:
                return await self._signed_in(
                    bare, origin, lambda git: listed(git, bare, origin.source.clone_url)
                )
            except GitFailed as error:
                raise origin.explained(error, "the tags behind commit") from error

    async def _signed_in(self, bare: Path, origin: "Origin", ask: Callable[[Git], Awaitable[T]]) -> T:
        """What the source answers; once more with a new credential if the first one is refused or has expired."""
        credential = await origin.credential()
        try:
            return await ask(self._git_for(bare, origin.source, credential))
        except GitFailed as error:
            if credential is None or not (error.unauthorised or credential.expired):
                raise
            log.info("a credential was refused or has expired; asking for another", repository=bare.stem)
            fresh = await origin.credential()
            return await ask(self._git_for(bare, origin.source, fresh))

    async def _take(self, git: Git, bare: Path, origin: "Origin") -> None:
        source, commit = origin.source, origin.commit
        try:
            await self._fetch(git, bare, source, f"+{commit}:refs/seatrial/{commit}")
        except GitFailed as error:
            if error.unauthorised or await self._has(bare, commit):
                raise
            # The server may hide unadvertised commits: take every branch, then look again. Drop branches that the server
            # no longer has, because a leftover branch `a` makes a branch `a/b` impossible.
            await self._fetch(git, bare, source, "+refs/heads/*:refs/seatrial-heads/*", "--prune")
            if not await self._has(bare, commit, linked=False):
                raise NotThereYet(str(error)) from error
            await Git().run("--git-dir", str(bare), "update-ref", f"refs/seatrial/{commit}", commit)

    async def _fetch(self, git: Git, bare: Path, source: Source, refspec: str, *more: str) -> None:
        await git.run(
            "--git-dir", str(bare), "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
            "--no-recurse-submodules", "--no-auto-maintenance", "--update-shallow", *more,
            *(["--unshallow"] if is_shallow(bare) else []), "--", source.clone_url, refspec,
        )  # fmt: skip

    async def _has(self, bare: Path, commit: str, *, linked: bool = True) -> bool:
        """Whether the commit is here; `linked` checks for our reference, which exists only after a complete fetch."""
        name = f"refs/seatrial/{commit}" if linked else f"{commit}^{{commit}}"
        try:
            await Git().run("--git-dir", str(bare), "rev-parse", "--quiet", "--verify", name)
        except GitFailed:
            return False
        return True

    def _git_for(self, bare: Path, source: Source, credential: OpenedCredential | None) -> Git:
        configuration = bare / "seatrial.gitconfig"
        configuration.write_text(for_local(source.clone_url))
        git = Git(configuration, trusted(self.authorities, bare))
        return git if credential is None else knowing(git, credential.login, source.clone_url, folder=bare)


@dataclass(frozen=True)
class Origin:
    """The source of one commit, and where to get its credential."""

    source: Source
    repository_id: str
    commit: str
    credentials: Credentials | None

    async def credential(self) -> OpenedCredential | None:
        """A fresh credential, if the source needs one. Raises CheckoutError."""
        if not self.source.needs_credential:
            return None
        if self.credentials is None:
            raise self.explained(CheckoutError("it needs a credential, and there is nobody to ask for one"))
        try:
            return await self.credentials(self.repository_id)
        except CheckoutError as error:
            raise self.explained(error) from error

    def explained(self, error: CheckoutError, what: str = "commit") -> CheckoutError:
        """`error` with the commit and the repository that it is about."""
        where = re.sub(r"(\w+://)[^/@\s]+@", r"\1", self.source.clone_url)
        kind = Incomplete if error.lasting else CheckoutError
        if isinstance(error, GitFailed) and not error.unauthorised:
            kind = FetchFailed
        return kind(f"cannot fetch {what} {self.commit[:12]} from {where}: {error}")


def for_local(clone_url: str) -> str:
    """Git configuration for a repository on this disk: git may read it although another user owns it (exactly this
    one), and packs objects with little compression, which for large files takes a third of the time.

    It must be a file: git drops `-c` options before it starts the other side of a local fetch.
    """
    path = clone_url.removeprefix("file://")
    if not path.startswith("/"):
        return ""
    real = Path(path).resolve()
    names = dict.fromkeys([path, str(Path(path) / ".git"), str(real), str(real / ".git")])
    quoted = (name.replace("\\", "\\\\").replace('"', '\\"') for name in names)
    safe = "".join(f'\tdirectory = "{name}"\n' for name in quoted)
    return f"[safe]\n{safe}[pack]\n\twindow = 0\n\tcompression = 1\n"
