"""Checks files of a repository before git or this process reads them: anything that is not a file is not opened.

Opening a named pipe in place of a branch's file would block for ever.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from seatrial.control.forges.errors import RepositoryProblem

MOST_BYTES = 4096  # a reference is a hash, or the name of another one
_READ_BY_GIT = ("HEAD", "config", "packed-refs", "commondir")


def read(path: Path) -> str | None:
    """The reference in this file; None if there is no file, or it cannot be a reference. Never blocks."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a device may already do something
            return None
        # Something else may be there by now.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            content = file.read(MOST_BYTES + 1)
        return content.decode() if len(content) <= MOST_BYTES else None
    except (OSError, ValueError):
        return None


def require(directory: Path) -> None:
    """Check the files that git reads to list the branches of the repository in `directory`.

    Raises RepositoryProblem, which names the one that is not a file. A worktree, whose files are elsewhere, is not checked.
    """
    own = directory / ".git" if (directory / ".git").is_dir() else directory
    if not (own / "HEAD").exists():  # a folder within a repository
        return
    for path in (own / name for name in _READ_BY_GIT):
        _require(path, size=None)
    for path in _below(own / "refs" / "heads"):
        _require(path, size=MOST_BYTES)


def _below(directory: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(directory):
        yield from (Path(folder) / name for name in names)


def _require(path: Path, *, size: int | None) -> None:
    try:
        found = path.stat()
    except OSError:
        return  # gone, or for git to complain about
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise RepositoryProblem(
            "unreadable", f"{path} is not a file. Remove it: git would wait for it for ever."
        )
    if size is not None and found.st_size > size:
        raise RepositoryProblem(
            "unreadable", f"{path} is too large for a branch: {found.st_size:,} bytes. Remove it."
        )
