"""The user's repository: the facts that commands need, or the error if something about it is wrong."""

import difflib
import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from seatrial.cli.errors import CommandError


@dataclass(frozen=True)
class Head:
    """A branch of a repository, and the commit it is at."""

    path: Path
    branch: str
    commit: str
    dirty: bool  # whether this branch is checked out with changes that are not committed
    folder: str = ""  # what the user named inside the repository; the whole of it is meant nevertheless


def read_head(path: Path, branch: str | None) -> Head:
    """Look up `branch` (or the one that is checked out). Raises CommandError."""
    top = _top(path)
    # Git's short names are not used: they begin with `heads/` if a tag has the same name.
    known = _git(top, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").splitlines()
    if not known:
        raise CommandError(f"{top} has no commit yet.", fix="Commit something first: git commit")
    current = _git(top, "symbolic-ref", "-q", "HEAD").strip().removeprefix("refs/heads/")
    wanted = branch or current
    if not wanted:
        raise CommandError(f"{top} has no branch checked out.", fix="Name one: --branch B")
    if wanted not in known:
        raise _unknown(top, wanted, known)
    _require_text(f"{top} {wanted}")
    commit = _git(top, "rev-parse", "--verify", f"refs/heads/{wanted}^{{commit}}").strip()
    dirty = wanted == current and bool(_git(top, "status", "--porcelain", "--untracked-files=normal").strip())
    folder = path.resolve()
    inside = folder.relative_to(top).as_posix() if folder != top and folder.is_relative_to(top) else ""
    return Head(top, wanted, commit, dirty, inside)


def _top(path: Path) -> Path:
    if not path.is_dir():
        raise CommandError(f"{path} is not a directory.", fix="Give the path of a git repository")
    top = _git(path, "rev-parse", "--show-toplevel").strip()
    if top:
        return Path(top).resolve()
    if _git(path, "rev-parse", "--is-bare-repository").strip() == "true":
        return path.resolve()
    raise CommandError(
        f"{path} is not a git repository.", fix=f"Make it one: git -C {shlex.quote(str(path))} init"
    )


def _require_text(names: str) -> None:
    """Raise CommandError if a name is not valid UTF-8: we could neither store nor show it."""
    try:
        names.encode()
    except UnicodeEncodeError as error:
        raise CommandError(
            f"{names.encode(errors='replace').decode()}: this name is not written in UTF-8.",
            fix="Rename it: git branch -m OLD NEW for a branch, mv for a folder",
        ) from error


def _unknown(top: Path, wanted: str, known: list[str]) -> CommandError:
    near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.5)
    listed = ", ".join(near or known[:5])
    hint = f"Did you mean {listed}?" if near else f"Branches here: {listed}"
    return CommandError(f"{top} has no branch {wanted}.", fix=hint)


def _git(path: Path, *arguments: str) -> str:
    """The output of git; empty if git refuses. This runs the user's git with the user's configuration."""
    try:
        done = subprocess.run(
            ["git", "-C", str(path), *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",  # to git, names are bytes
            check=False,
            env={**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
        )
    except FileNotFoundError as error:
        raise CommandError("git is not installed.", fix="Install it: apt-get install git") from error
    if "dubious ownership" in done.stderr:
        raise CommandError(
            f"git refuses {path}: it belongs to another user.",
            fix=f"If you trust it: git config --global --add safe.directory {shlex.quote(str(path.resolve()))}",
        )
    return done.stdout if done.returncode == 0 else ""
