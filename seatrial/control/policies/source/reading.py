"""What the branch of a source has now. Asks the code host, and uses no database."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.protocol import Contents
from seatrial.control.policies.authoring.importing import MOST_FILES
from seatrial.control.policies.authoring.standards import FRONT, YAML_NAMES

SUFFIXES = (".py", *YAML_NAMES)


class Course(StrEnum):
    """How a commit stands to the one that was taken before."""

    ONWARD = "onward"
    OLDER = "older"
    ELSEWHERE = "elsewhere"  # neither has the other in its history: the branch was rewritten


@dataclass(frozen=True)
class Tip:
    """The newest commit of the branch, and the files with policies in the folder, as (path, text)."""

    commit: str
    course: Course
    files: list[tuple[str, str]]


def tip_of(contents: Contents, branch: str, folder: str, before: str, *, again: bool = False) -> Tip | None:
    """What is there now; None if it is still the commit `before`, unless that is wanted `again`. Raises ForgeError."""
    commit = contents.tip(branch)
    if commit == before and not again:
        return None
    files = files_at(contents, commit, folder)
    return Tip(commit, _course(contents, commit, before), files)


def files_at(contents: Contents, commit: str, folder: str) -> list[tuple[str, str]]:
    """The files with policies in the folder at a commit, as (path, text). Raises ForgeError."""
    found = {
        path: one for path, one in contents.files(commit, folder).items() if _may_be_policy(path, folder)
    }
    if len(found) > MOST_FILES:
        where = folder or "the repository"
        raise ForgeError(
            f"{where} has {len(found):,} files that could be policies; {MOST_FILES} are read at most. Name a folder that has only policies",
            permanent=True,
        )
    texts = contents.texts(set(found.values()))
    return list(_with_policies([(path, texts[one]) for path, one in sorted(found.items())]))


def _may_be_policy(path: str, folder: str) -> bool:
    inside = PurePosixPath(path.removeprefix(f"{folder}/") if folder else path)
    hidden = any(part.startswith(".") for part in inside.parts)
    return inside.suffix in SUFFIXES and not hidden and inside.name != "__init__.py"


def _with_policies(files: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """A text that is only to be read, such as a README, begins without a standard."""
    for path, text in files:
        if not path.endswith(".md") or FRONT.match(text.replace("\r\n", "\n")):
            yield path, text


def _course(contents: Contents, commit: str, before: str) -> Course:
    if not before or contents.follows(commit, before):
        return Course.ONWARD
    with contextlib.suppress(ForgeError):  # where the other commit is gone, nobody can say
        if contents.follows(before, commit):
            return Course.OLDER
    return Course.ELSEWHERE
