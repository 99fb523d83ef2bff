"""Callbacks for log lines of work in progress, and what of lines goes into a message."""

import re
from collections.abc import Awaitable, Callable, Sequence

Log = Callable[[str], Awaitable[None]]  # takes one line

MOST_CHARACTERS = 300
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ERROR = re.compile(
    r"error|exception|fatal|panic|failed|cannot|can't|could not|unable|not found|no such|denied|refused|invalid|missing",
    re.IGNORECASE,
)


async def quiet(_line: str) -> None:
    """Discards the line."""


def last_lines(text: str, most: int = MOST_CHARACTERS) -> str:
    """The last lines of `text` that fit, each of them whole; of a last line that does not fit, its last words."""
    kept: list[str] = []
    for line in reversed(text.strip().splitlines()):
        if sum(map(len, kept)) + len(kept) + len(line) > most:
            break
        kept.insert(0, line)
    return "\n".join(kept) or _last_words(text.strip(), most)


def _last_words(line: str, most: int) -> str:
    if len(line) <= most:
        return line
    _, _, whole = line[-most:].partition(" ")
    return f"... {whole}" if whole else ""


def decisive(lines: Sequence[str]) -> str:
    """Of the last lines of a program that ended badly, the one that most likely says why: the last that speaks of an error,
    else the last; empty when it said nothing."""
    said = [plain for line in lines if (plain := _COLOUR.sub("", line).strip())]
    wrong = [line for line in said if _ERROR.search(line)]
    return first_words((wrong or said or [""])[-1])


def first_words(text: str, most: int = MOST_CHARACTERS) -> str:
    """The first words of `text` that fit, each of them whole: half an address leads nowhere."""
    if len(text) <= most:
        return text
    start = text[: most - 3]
    return (re.sub(r"\S*$", "", start) or start) + "..."
