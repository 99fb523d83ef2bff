"""Reads the unified diff of one file, as findings have it, into what is to replace which lines."""

import re
from dataclasses import dataclass
from itertools import pairwise

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")
NO_NEWLINE = "\\"


@dataclass(frozen=True)
class Replacement:
    """`text` takes the place of `count` lines from `line` on; with none, it is put before that line."""

    line: int
    count: int
    text: str


def replacements(diff: str) -> list[Replacement]:
    """One for each hunk; none for what is no diff, or is cut off."""
    found: list[Replacement] = []
    lines = diff.split("\n")
    starts = [number for number, line in enumerate(lines) if _HUNK.match(line)]
    for start, end in pairwise([*starts, len(lines)]):
        made = _replacement(lines[start], lines[start + 1 : end])
        if made is None:
            return []
        found.append(made)
    return found


def _replacement(head: str, body: list[str]) -> Replacement | None:
    match = _HUNK.match(head)
    if match is None:
        return None
    line, count = int(match[1]), int(match[2] or 1)
    kept = [one[1:] + "\n" for one in body if one[:1] in (" ", "+")]
    if sum(one[:1] in (" ", "-") for one in body) != count or (count and not line):
        return None
    if body and _new_ends_without_newline(body) and kept:
        kept[-1] = kept[-1].removesuffix("\n")
    return Replacement(line if count else line + 1, count, "".join(kept))


def _new_ends_without_newline(body: list[str]) -> bool:
    """The mark stands behind the line that it is about, which may be one that is taken away."""
    marks = [number for number, one in enumerate(body) if one.startswith(NO_NEWLINE)]
    return any(number and body[number - 1][:1] in (" ", "+") for number in marks)
