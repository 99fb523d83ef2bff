"""One commit, read from git objects.

Files come from `git cat-file`, never from a checked-out tree: no symbolic link of the repository is ever
followed on the host, and `export-ignore` cannot hide a file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from seatrial.agent.vocabulary.credentials import Credentials
from seatrial.wire.deployments import Source

REGULAR = {"100644", "100755"}
LINK = "120000"
SUBMODULE = "160000"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a commit. `mode` is git's: one of REGULAR, LINK or SUBMODULE."""

    path: str
    mode: str
    oid: str
    size: int | None

    @property
    def shown(self) -> str:
        """The path for people: bytes that are not UTF-8 are surrogates in `path`, which cannot be encoded."""
        return self.path.encode(errors="surrogateescape").decode(errors="replace")


class Changed(NamedTuple):
    """A file that a commit changes. `kind`: added, modified, deleted or renamed; `old_path` is that of a renamed one."""

    path: str
    kind: str
    old_path: str


class Written(NamedTuple):
    """A commit of a history. `date` is its author's, as ISO 8601; `signed`: it carries a signature, which nobody has checked."""

    commit: str
    author: str
    date: str
    subject: str
    signed: bool


class Tag(NamedTuple):
    """A tag of a commit. `date` is the commit's, as ISO 8601 with the offset of who made it; `annotated`: the tag has a text of its own."""

    name: str
    commit: str
    date: str
    annotated: bool


class Tree(Protocol):
    """A commit's files. Reads may run concurrently. Raises CheckoutError when the cache is damaged."""

    commit: str

    async def entries(self) -> Sequence[Entry]:
        """Every file, symlink and submodule, sorted by path."""

    async def read(self, path: str, *, limit: int = 10_000_000) -> bytes | None:
        """The blob at `path`; None if nothing is there, if it is not a regular file, or if it exceeds `limit` bytes."""

    async def read_many(self, paths: Sequence[str], *, limit: int = 10_000_000) -> dict[str, bytes | None]:
        """`read` for many paths at once: one entry for each."""

    async def links(self) -> Mapping[str, str]:
        """The target of each symbolic link, as written in it; it need not exist."""

    async def last_commit_date(self, path: str) -> str | None:
        """ISO 8601 date of the newest commit reachable from this one that touched `path`."""

    async def contributors(self) -> list[tuple[str, int]]:
        """(author name, commits) reachable from this commit, most first."""

    async def changes(self, base: "Tree") -> list[Changed]:
        """The files that this commit changes, compared with where it left `base`, a commit of the same repository."""

    async def diff(self, base: "Tree", paths: Sequence[str], limit: int) -> str | None:
        """The unified diff of these changed files; None if it has more than `limit` bytes."""

    async def history(self, base: "Tree | None", limit: int) -> list[Written]:
        """The newest commits up to this one, at most `limit`; with a `base`, those that are not in it."""

    async def tags(self) -> list[Tag]:
        """The tags of commits up to this one that its source has now, the newest commit first."""

    async def export(self, destination: Path) -> None:
        """Write the exact tree (no export-ignore, no export-subst, no hooks, no filters) into an empty folder."""


class Checkouts(Protocol):
    """Provides commits. Calls may run concurrently; a commit that is already here is not fetched again."""

    async def fetch(self, source: Source, repository_id: str, commit: str, credentials: Credentials) -> Tree:
        """The tree of exactly `commit`. Raises CheckoutError, naming the repository and the commit.

        `credentials` is called only for a source that needs a credential, and only if something must be fetched.
        """
