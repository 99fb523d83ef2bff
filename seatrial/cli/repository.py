"""The user's repository: the facts that commands need, or the error if something about it is wrong."""

import difflib
import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from seatrial.cli.errors import CommandError
from seatrial.wire.counted import counted

GIT_SECONDS = (
    60.0  # git status of a huge working tree takes some; a named pipe in place of a branch takes for ever
)
ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*):/+(.+)|[\w.-]+@[\w.-]+:.+", re.IGNORECASE)


@dataclass(frozen=True)
class Head:
    """A branch of a repository, and the commit it is at."""

    path: Path
    branch: str
    commit: str
    dirty: bool  # whether this branch is checked out with changes that are not committed
    folder: str = ""  # what the user named inside the repository; the whole of it is meant nevertheless
    shallow: bool = False  # its history ends early


def read_head(path: Path, branch: str | None) -> Head:
    """Look up `branch` (or the one that is checked out). Raises CommandError."""
    top = _top(path)
    # Git's short names are not used: they begin with `heads/` if a tag has the same name.
    known = _git(top, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").split("\n")[:-1]
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
    _require_objects(top, commit)
    dirty = wanted == current and bool(_git(top, "status", "--porcelain", "--untracked-files=normal").strip())
    folder = path.resolve()
    inside = folder.relative_to(top).as_posix() if folder != top and folder.is_relative_to(top) else ""
    shallow = _git(top, "rev-parse", "--is-shallow-repository").strip() == "true"
    return Head(top, wanted, commit, dirty, inside, shallow)


def tracked(path: Path) -> tuple[Path, list[str]]:
    """(the repository's folder, the paths of regular files that git tracks). Raises CommandError."""
    top = _top(path)
    entries = _git(top, "ls-files", "-z", "--stage").split("\0")[:-1]
    found = (entry.partition("\t") for entry in entries)  # MODE OBJECT STAGE, a tab, the path
    return top, list(dict.fromkeys(name for facts, _, name in found if facts.startswith("100")))


def _top(path: Path) -> Path:
    if not path.is_dir():
        raise _no_directory(path)
    done = _run(path, "rev-parse", "--show-toplevel")
    if top := done.stdout.rstrip("\n"):
        return Path(top).resolve()
    if _git(path, "rev-parse", "--is-bare-repository").strip() == "true":
        return path.resolve()
    raise _not_a_repository(path, done.stderr.strip())


def _no_directory(path: Path) -> CommandError:
    if not path.exists() and (address := ADDRESS.fullmatch(str(path))):
        scheme, rest = address.groups()  # a path has lost one of the two slashes
        url = f"{scheme}://{rest}" if scheme else str(path)
        return CommandError(
            f"{url} is an address, but this command needs the folder of a repository on this machine.",
            fix=f"Clone it, and give the clone's folder: git clone {shlex.quote(url)}",
        )
    return CommandError(f"{path} is not a directory.", fix="Give the path of a git repository")


def _not_a_repository(path: Path, reason: str) -> CommandError:
    """Git's reason distinguishes a folder that is not a repository from a repository that git cannot use."""
    if re.search(
        r"not a git repository: ", reason
    ):  # of a folder without one it says `not a git repository (or`
        return CommandError(
            f"{path} is a linked worktree or a submodule, and the repository it belongs to is not there: "
            f"{reason.rpartition(': ')[2]}.",
            fix="If that was moved, run there: git worktree repair PATH",
        )
    if reason and "not a git repository" not in reason:
        return CommandError(f"git cannot use {path}: {reason.splitlines()[-1].removeprefix('fatal: ')}.")
    return CommandError(
        f"{path} is not a git repository.", fix=f"Make it one: git -C {shlex.quote(str(path))} init"
    )


def _require_objects(top: Path, commit: str) -> None:
    """Raise CommandError if a partial clone lacks objects: nobody else may fetch them with this user's credentials."""
    if not _git(top, "config", "--get-regexp", r"^remote\..*\.promisor$"):
        return
    listed = _git(top, "rev-list", "--objects", "--missing=print", commit).split("\n")
    missing = sum(line.startswith("?") for line in listed)
    if missing:
        raise CommandError(
            f"{top} is a partial clone: of {commit[:12]} and its history it lacks {counted(missing, 'object')}.",
            fix=f"Get them: git -C {shlex.quote(str(top))} fetch --refetch --no-filter",
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
    """What git prints; empty when it refuses."""
    done = _run(path, *arguments)
    return done.stdout if done.returncode == 0 else ""


@dataclass(frozen=True)
class _Done:
    """How git ended. Names are bytes to it: those that are no UTF-8 are kept, and so is a carriage return."""

    returncode: int
    stdout: str
    stderr: str


def _run(path: Path, *arguments: str) -> _Done:
    """The user's own git, so the user's own rules."""
    try:
        ended = subprocess.run(
            ["git", "-C", str(path), *arguments],
            capture_output=True,
            check=False,
            timeout=GIT_SECONDS,
            env={**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
        )
    except FileNotFoundError as error:
        raise CommandError("git is not installed.", fix="Install it: apt-get install git") from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(
            f"git {arguments[0]} did not end within {GIT_SECONDS:g} seconds in {path}.",
            fix="Look whether everything in its .git folder is a file or a folder, and whether its disk answers",
        ) from error
    said = (text.decode("utf-8", "surrogateescape") for text in (ended.stdout, ended.stderr))
    done = _Done(ended.returncode, *said)
    if "dubious ownership" in done.stderr:
        raise CommandError(
            f"git refuses {path}: it belongs to another user.",
            fix=f"If you trust it: git config --global --add safe.directory {shlex.quote(str(path.resolve()))}",
        )
    return done
