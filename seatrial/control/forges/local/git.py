"""Runs git on a repository of this machine. Only reads, and runs no program that the repository configures."""

import contextlib
import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path

from seatrial.control.forges.errors import RepositoryProblem
from seatrial.control.forges.local import reference_files
from seatrial.wire.evaluations import BranchProtection

TIMEOUT_SECONDS = 20.0
# Command line beats the repository's own configuration; safe.directory is honoured only from here.
_QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "safe.directory=*")


@dataclass(frozen=True)
class Commit:
    """What the local forge reports about a head."""

    sha: str
    author: str
    at: datetime
    subject: str


@dataclass(frozen=True)
class Glance:
    """The content of a branch's own file, and the identity of packed-refs. Equal glances mean the same head."""

    loose: str | None
    packed: tuple[int, int, int] | None

    def shows(self, sha: str) -> bool:
        """True when the branch's own file says `sha`."""
        return self.loose == f"{sha}\n"


@dataclass(frozen=True)
class Repository:
    """A repository directory. `path` is its top level (or the bare repository itself), resolved."""

    path: Path

    def heads(self) -> dict[str, str]:
        """Every branch with its head. Raises RepositoryProblem."""
        reference_files.require(self.path)
        lines = self._git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads/").split("\n")[:-1]
        pairs = (line.rsplit(" ", 1) for line in lines)
        return {name.removeprefix("refs/heads/"): sha for name, sha in pairs}

    def head(self, branch: str) -> str:
        """The branch's commit. Raises RepositoryProblem naming branches that look alike."""
        heads = self.heads()
        if branch in heads:
            return heads[branch]
        if not heads:
            raise RepositoryProblem("no_commit", f"{self.path} has no commit yet. Commit something first.")
        near = get_close_matches(branch, heads, n=3) or sorted(heads)[:5]
        raise RepositoryProblem(
            "no_branch", f"{self.path} has no branch {branch}. It has: {', '.join(near)}."
        )

    def files(self, commit: str, folder: str) -> dict[str, str]:
        """Every ordinary file below the folder, by its path, and its object."""
        listed = self._git(
            "ls-tree", "-r", "-z", "--full-tree", commit, "--", *([f"{folder}/"] if folder else [])
        )
        entries = (entry.partition("\t") for entry in listed.split("\0") if entry)
        return {path: head.split(" ")[2] for head, _, path in entries if head.startswith("100")}

    def text(self, blob: str) -> str:
        """What is in the file that is this object."""
        return self._git("cat-file", "blob", blob)

    def is_ancestor(self, earlier: str, commit: str) -> bool:
        """Whether `earlier` is `commit` or in its history; a commit that is gone is not."""
        merged = run(self.path, "merge-base", earlier, commit, may_fail=True).strip()
        return merged == earlier

    def require_gone(self, branch: str) -> None:
        """Raise RepositoryProblem if a branch that git does not list still has a file: it is unreadable, not gone."""
        path = self.path / self._git("rev-parse", "--git-path", f"refs/heads/{branch}").rstrip("\n")
        try:
            left = path.is_file()
        except OSError:
            left = True
        if left:
            raise RepositoryProblem(
                "unreadable", f"git cannot read the branch {branch} of {self.path}: {path}."
            )

    def glance(self, branch: str) -> Glance | None:
        """What the files of `branch` show, without running git; None if there are none (a worktree, or deleted)."""
        directory = self.path if (self.path / "HEAD").exists() else self.path / ".git"
        loose, packed = reference_files.read(directory / "refs" / "heads" / branch), None
        with contextlib.suppress(OSError):
            status = (directory / "packed-refs").stat()
            packed = (status.st_mtime_ns, status.st_ino, status.st_size)
        return Glance(loose, packed) if loose or packed else None

    def default_branch(self) -> str:
        """The default branch of the clone's origin, or else main or master, or else the branch that HEAD points at.

        In a bare repository HEAD comes first. In a working tree it comes last, because it is what somebody works on
        now.
        """
        heads = self.heads()
        if not heads:
            raise RepositoryProblem("no_commit", f"{self.path} has no commit yet. Commit something first.")
        origin = self._points_at("refs/remotes/origin/HEAD").removeprefix("refs/remotes/origin/")
        current = self._points_at("HEAD").removeprefix("refs/heads/")
        bare = (self.path / "HEAD").exists()
        likely = (current, origin) if bare else (origin, "main", "master", current)
        return next((name for name in likely if name in heads), min(heads))

    def commit(self, sha: str) -> Commit:
        """The commit's author, time and first line."""
        form = "--format=%H%x00%an%x00%at%x00%s"
        text = self._git("log", "-1", "--no-show-signature", form, "--end-of-options", sha, "--")
        commit, author, at, subject = text.rstrip("\n").split("\x00", 3)
        return Commit(commit, author, _time(at), subject)

    def merge_base(self, branch: str, sha: str) -> str:
        """The commit where `sha` left `branch`, or else the branch's head; empty when there is no such branch."""
        ref = f"refs/heads/{branch}"
        ancestor = self._git("merge-base", "--end-of-options", ref, sha, may_fail=True)
        return (ancestor or self._git("rev-parse", "--verify", "--quiet", ref, may_fail=True)).strip()

    def protection(self, branch: str) -> BranchProtection:
        """What the repository's own configuration refuses to those who push to it. It knows neither reviews nor checks."""
        denies = {name: self._is_on(f"receive.{name}") for name in ("denyNonFastForwards", "denyDeletes")}
        return BranchProtection.none(branch).model_copy(
            update={
                "protected": all(denies.values()),
                "force_pushes": not denies["denyNonFastForwards"],
                "deletions": not denies["denyDeletes"],
            }
        )

    def _is_on(self, setting: str) -> bool:
        return self._git("config", "--type=bool", "--get", setting, may_fail=True).strip() == "true"

    def _points_at(self, symbolic: str) -> str:
        return self._git("symbolic-ref", "--quiet", symbolic, may_fail=True).strip()

    def _git(self, *arguments: str, may_fail: bool = False) -> str:
        return run(self.path, *arguments, may_fail=may_fail)


def _time(seconds: str) -> datetime:
    """The time that a commit claims. Anybody may write anything there; what is not a date becomes the epoch."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def open_repository(path: str) -> Repository:
    """The repository that `path` is in. Raises RepositoryProblem saying what is missing."""
    repository = _locate(path)
    repository.default_branch()  # raises when there is no commit
    return repository


def reopen(path: str) -> Repository:
    """The repository that was registered as `path`; it may have lost its last branch. Raises RepositoryProblem.

    If a disk is not mounted, `path` is an empty directory, which may be inside another repository.
    """
    repository = _locate(path)
    if repository.path != Path(path):
        raise RepositoryProblem("not_a_repository", f"{path} is not a git repository any more.")
    return repository


def _locate(path: str) -> Repository:
    if "\x00" in path or not Path(path).is_absolute():
        raise RepositoryProblem("not_absolute", "The path of a repository is absolute, e.g. /home/me/shop.")
    directory = Path(path)
    try:
        directory = directory.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise RepositoryProblem("no_directory", f"There is no directory {path} on the server.") from error
    if not directory.is_dir():
        raise RepositoryProblem("no_directory", f"{directory} is not a directory.")
    reference_files.require(directory)
    top = run(directory, "rev-parse", "--show-toplevel", may_fail=True).rstrip("\n")
    if not top:
        bare = run(directory, "rev-parse", "--is-bare-repository", may_fail=True).strip() == "true"
        if not bare:
            raise RepositoryProblem(
                "not_a_repository",
                f"{directory} is not a git repository. Run `git init` and commit something there first.",
            )
        top = run(directory, "rev-parse", "--absolute-git-dir").rstrip("\n")
    return Repository(Path(top).resolve())


def run(directory: Path, *arguments: str, may_fail: bool = False) -> str:
    """Run one git command in `directory`. Raises RepositoryProblem with git's own message, unless it `may_fail`."""
    try:
        done = subprocess.run(
            ["git", *_QUIET, "-C", str(directory), *arguments],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise RepositoryProblem(
            "no_git", "git is not installed on the server. Install it: apt install git"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise RepositoryProblem(
            "git_timeout", f"git did not answer for {directory}: {arguments[0]}"
        ) from error
    if done.returncode == 0:
        return done.stdout.decode(errors="replace")
    if may_fail:
        return ""
    reason = done.stderr.decode(errors="replace").strip().splitlines()
    raise RepositoryProblem(
        "git_failed", f"git {arguments[0]} failed in {directory}: {reason[-1] if reason else ''}"
    )


def _environment() -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        # A repository may configure a program that fetches missing objects, so fetching is off, for every protocol.
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "",
    }
