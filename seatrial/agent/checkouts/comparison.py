"""What a commit changes, compared with where it left its base; and the commits that do so. Read from a bare cache."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.agent.checkouts.git import Git, GitFailed
from seatrial.agent.commands.running import TooMuchOutput
from seatrial.agent.vocabulary.errors import CheckoutError
from seatrial.agent.vocabulary.tree import Changed, Written

GIT_SECONDS = 120.0
MOST_NAMES = 32 * 1024 * 1024  # bytes of the names of changed files
PLAIN = ("--no-ext-diff", "--no-textconv", "--no-color", "-M")
KINDS = {"A": "added", "D": "deleted", "R": "renamed", "C": "added"}  # all others are modified
FORMAT = "%H%x00%an%x00%aI%x00%s"


@dataclass(frozen=True)
class Comparison:
    """Two commits of one cache. Every call raises CheckoutError."""

    bare: Path
    base: str
    commit: str

    async def changes(self) -> list[Changed]:
        """Every changed file, sorted by its path."""
        out = await self._git("diff", *PLAIN, "--raw", "-z", await self._start(), self.commit)
        return sorted(_changed(out), key=lambda one: one.path)

    async def diff(self, paths: Sequence[str], limit: int) -> str | None:
        """The unified diff of these changed files; None if it has more than `limit` bytes."""
        asked = [f":(top,literal){path}" for path in paths]
        try:
            out = await self._git(
                "diff", *PLAIN, await self._start(), self.commit, "--", *asked, most_bytes=limit
            )
        except TooMuchOutput:
            return None
        return out.decode(errors="replace")

    async def _start(self) -> str:
        """Where the commit left its base; the base itself where they have nothing in common."""
        done = await Git().finished("--git-dir", str(self.bare), "merge-base", self.base, self.commit)
        return done.text.strip() if done.code == 0 else self.base

    async def _git(self, *arguments: str, most_bytes: int = MOST_NAMES) -> bytes:
        return await read(self.bare, *arguments, most_bytes=most_bytes)


async def history(bare: Path, commit: str, base: str, limit: int) -> list[Written]:
    """The newest commits, at most `limit`; with a `base`, only those that are not in it. Raises CheckoutError."""
    ranged = [f"^{base}"] if base else []
    out = await read(bare, "log", "-z", f"--max-count={limit}", f"--format={FORMAT}", commit, *ranged, "--")
    fields = out.decode(errors="replace").rstrip("\0").split("\0") if out else []
    rows = [fields[at : at + 4] for at in range(0, len(fields) - 3, 4)]
    signed = await _signed(bare, [row[0] for row in rows])
    return [Written(oid, author, date, subject, oid in signed) for oid, author, date, subject in rows]


async def _signed(bare: Path, commits: Sequence[str]) -> set[str]:
    """Those that carry a signature, whoever made it."""
    asked = "".join(f"{one}\n" for one in commits).encode()
    out = await read(bare, "cat-file", "--batch", stdin=asked) if commits else b""
    found, position = set(), 0
    while position < len(out):
        line, _, _ = out[position : position + 200].partition(b"\n")
        oid, _kind, size = line.decode().split()
        begin = position + len(line) + 1
        head = out[begin : begin + int(size)].partition(b"\n\n")[0]
        if any(one.startswith((b"gpgsig ", b"gpgsig-sha256 ")) for one in head.split(b"\n")):
            found.add(oid)
        position = begin + int(size) + 1
    return found


async def read(
    bare: Path, *arguments: str, stdin: bytes | None = None, most_bytes: int | None = None
) -> bytes:
    """What git says. Raises GitFailed; TooMuchOutput past `most_bytes`."""
    try:
        return await Git().run(
            "--git-dir",
            str(bare),
            *arguments,
            stdin=stdin,
            most_bytes=most_bytes,
            timeout_seconds=GIT_SECONDS,
        )
    except GitFailed as error:
        raise CheckoutError(f"its history cannot be read: {error}") from error


def _changed(out: bytes) -> Iterator[Changed]:
    """The records of `git diff --raw -z`: a head, a path, and for a rename a second one."""
    fields = iter(out.split(b"\0"))
    for head in fields:
        if not head:
            return
        letter = head.rsplit(b" ", 1)[1][:1].decode()
        path = os.fsdecode(next(fields))
        old = path if letter in "RC" else ""
        path = os.fsdecode(next(fields)) if old else path
        yield Changed(path, KINDS.get(letter, "modified"), old if letter == "R" else "")
