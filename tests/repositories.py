"""Real git repositories, made the same way on every machine: without anybody's configuration or signatures."""

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path

IDENTITY = {
    "GIT_AUTHOR_NAME": "Alice",
    "GIT_AUTHOR_EMAIL": "alice@example.test",
    "GIT_COMMITTER_NAME": "Alice",
    "GIT_COMMITTER_EMAIL": "alice@example.test",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
}


def git(path: Path, *arguments: str, given: bytes = b"") -> str:
    """Run git in `path` and return what it printed."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=path,
        env=os.environ | IDENTITY,
        input=given,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}\n{done.stderr.decode(errors='replace')}"
    return done.stdout.decode().strip()


def write(path: Path, files: Mapping[str, str | bytes]) -> None:
    """Write `files` below `path`."""
    for name, content in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)


def commit(path: Path, files: Mapping[str, str | bytes] = {}, message: str = "Change") -> str:
    """Write `files`, commit all there is (also when that is nothing new), return the commit."""
    write(path, files)
    git(path, "add", "-A")
    git(path, "commit", "-q", "--allow-empty", "-m", message)
    return git(path, "rev-parse", "HEAD")


def empty(path: Path) -> Path:
    """A repository without a commit, on `main`."""
    path.mkdir(parents=True, exist_ok=True)
    git(path, "init", "-q", "-b", "main")
    return path


def repository(path: Path, files: Mapping[str, str | bytes], branch: str = "feature") -> Path:
    """A repository with an almost empty `main`, and `branch` checked out, `files` ahead of it.

    A copy: git is called for the first of its kind only, because its eight processes take longer than many a test.
    """
    made = _made(path.name, tuple(files.items()), branch)
    shutil.copytree(made, path, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sample"))
    return path


def bare(path: Path, source: Path) -> Path:
    """A bare repository with all branches of `source`; a copy, too."""
    shutil.copytree(_cloned(source, _branches(source)), path)
    return path


def _branches(source: Path) -> tuple[tuple[str, str], ...]:
    """What changes when a branch of `source` does."""
    folder = source / ".git" if (source / ".git").is_dir() else source
    files = [folder / "HEAD", folder / "packed-refs", *sorted((folder / "refs/heads").rglob("*"))]
    return tuple((str(file), file.read_text()) for file in files if file.is_file())


@functools.cache
def _cloned(source: Path, branches: tuple[tuple[str, str], ...]) -> Path:
    path = Path(_kept(), uuid.uuid4().hex)
    git(source, "clone", "-q", "--bare", "--template=", str(source), str(path))
    return path


@functools.cache
def _made(name: str, files: tuple[tuple[str, str | bytes], ...], branch: str) -> Path:
    path = empty(Path(_kept(), uuid.uuid4().hex))
    commit(path, {"README.md": f"# {name}\n"}, "Begin")
    git(path, "checkout", "-qb", branch)
    commit(path, dict(files), "Feature")
    return path


@functools.cache
def _kept() -> str:
    """Where the repositories are that others are copies of, until this process ends."""
    kept = tempfile.mkdtemp(prefix="seatrial-repositories-")
    atexit.register(shutil.rmtree, kept, ignore_errors=True)
    return kept


class Repository:
    """A repository at `path`, without a commit yet."""

    def __init__(self, path: Path) -> None:
        self.path = empty(path)

    def git(self, *arguments: str) -> str:
        """Run git here."""
        return git(self.path, *arguments)

    def commit(
        self, files: Mapping[str, str | bytes] = {}, message: str = "Change", branch: str | None = None
    ) -> str:
        """Commit `files` (on `branch`, begun where the repository is now), return the commit."""
        if branch:
            self.git("checkout", "-q", "-B", branch)
        return commit(self.path, files, message)
