"""What is different between two texts, line by line, as people read it."""

import difflib
from dataclasses import dataclass
from enum import StrEnum

CONTEXT = 3


class Kind(StrEnum):
    """What became of a line."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


SIGNS = {Kind.SAME: " ", Kind.ADDED: "+", Kind.REMOVED: "-"}


@dataclass(frozen=True)
class Line:
    """One line, with its number before and after; 0 where it is not."""

    kind: Kind
    before: int
    after: int
    text: str

    @property
    def sign(self) -> str:
        """What tells the kind without colour."""
        return SIGNS[self.kind]


def difference(before: str, after: str) -> list[list[Line]]:
    """The places that differ, each with a few lines around it; empty if nothing does."""
    old, new = _lines_of(before), _lines_of(after)
    matcher = difflib.SequenceMatcher(None, old, new)
    return [
        [line for one in group for line in _lines(old, new, one)]
        for group in matcher.get_grouped_opcodes(CONTEXT)
    ]


def unified(before: str, after: str, *, names: tuple[str, str]) -> str:
    """The same as a patch."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    return "".join(difflib.unified_diff(old, new, *names))


def _lines_of(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n")


def _lines(old: list[str], new: list[str], opcode: tuple[str, int, int, int, int]) -> list[Line]:
    tag, first, last, begin, end = opcode
    if tag == "equal":
        places = zip(range(first, last), range(begin, end), strict=True)
        return [Line(Kind.SAME, before + 1, after + 1, old[before]) for before, after in places]
    removed = [Line(Kind.REMOVED, place + 1, 0, old[place]) for place in range(first, last)]
    return removed + [Line(Kind.ADDED, 0, place + 1, new[place]) for place in range(begin, end)]
