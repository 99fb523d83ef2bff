"""Policies in files, as people name them: one file, or every file of a folder."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from seatrial.cli.errors import CommandError

SUFFIX = ".py"
MOST_FILES = 100
MOST_BYTES = 200_000


@dataclass(frozen=True)
class PolicyFile:
    """A policy as its file has it; the slug is the file's name, with hyphens."""

    path: Path
    slug: str
    code: str


def is_file(named: str) -> bool:
    """Whether a file is named, and not a policy by its slug."""
    return named.endswith(SUFFIX) or "/" in named or Path(named).is_file()


def policy_files(paths: Iterable[Path]) -> list[PolicyFile]:
    """The policies in `paths`, in order. Raises CommandError, which says which path is wrong and how."""
    found = [_read(path) for given in paths for path in _files(given)]
    if len(found) > MOST_FILES:
        raise CommandError(
            f"{len(found)} files are too many at once; {MOST_FILES} are possible.", word="usage"
        )
    by_slug: dict[str, Path] = {}
    for one in found:
        if (other := by_slug.setdefault(one.slug, one.path)) is not one.path:
            raise CommandError(
                f"{one.path} and {other} are both called {one.slug}.", fix="Name one of them", word="usage"
            )
    return found


def _files(given: Path) -> Iterator[Path]:
    if not given.exists():
        raise CommandError(
            f"there is nothing at {given}.", fix="Name a policy's file, or a folder", word="not_found"
        )
    if not given.is_dir():
        yield given
        return
    inside = [path for path in sorted(given.rglob(f"*{SUFFIX}")) if _is_policy(path.relative_to(given))]
    if not inside:
        raise CommandError(
            f"no policy is in {given}.",
            fix=f"A policy is a file whose name ends in {SUFFIX}",
            word="not_found",
        )
    yield from inside


def _is_policy(path: Path) -> bool:
    return not any(part.startswith(("_", ".")) for part in path.parts)


def _read(path: Path) -> PolicyFile:
    try:
        code = path.read_bytes()
        if len(code) > MOST_BYTES:
            raise CommandError(
                f"{path} has {len(code):,} bytes; a policy has at most {MOST_BYTES:,}.", word="usage"
            )
        text = code.decode()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.", word="usage") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8 at byte {error.start}.", word="usage") from error
    return PolicyFile(path, path.stem.replace("_", "-"), text)
