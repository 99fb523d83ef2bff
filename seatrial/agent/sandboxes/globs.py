"""Patterns of paths as `.gitignore` has them, matched by RE2: in linear time, whoever wrote them."""

import functools
import re
from collections.abc import Callable

from pathspec import GitIgnoreSpec

from seatrial.agent.sandboxes.questions import Unanswerable

MOST_PATTERNS = 200
LONGEST = 1_000
NAMED = re.compile(r"\(\?P<\w+>")
NOTHING = r"[^\x00-\x{10FFFF}]"  # is found nowhere
Matcher = Callable[[str], bool]


@functools.lru_cache(maxsize=1_000)
def matcher(patterns: tuple[str, ...]) -> Matcher:
    """Whether a path matches any of `patterns`; one with ! takes back what those before it matched. Raises Unanswerable."""
    spec = spec_of(patterns)
    return lambda path: spec.match_file(path if path.isascii() else shown(path))


@functools.lru_cache(maxsize=1_000)
def expression(patterns: tuple[str, ...]) -> str:
    """What RE2 finds in each path that `matcher` matches, and perhaps in some that one of `patterns` takes back. Raises Unanswerable."""
    parts = (str(one.regex.pattern) for one in spec_of(patterns).patterns if one.include and one.regex)
    return "|".join(f"(?:{NAMED.sub('(?:', part)})" for part in parts) or NOTHING  # each names the same group


def take_back(patterns: tuple[str, ...]) -> bool:
    """Whether one of them takes back what another one matched."""
    return any(one.include is False for one in spec_of(patterns).patterns)


def spec_of(patterns: tuple[str, ...]) -> GitIgnoreSpec:
    """The patterns, read. Raises Unanswerable."""
    if len(patterns) > MOST_PATTERNS:
        raise Unanswerable(f"{len(patterns)} patterns; at most {MOST_PATTERNS} are used")
    long = next((one for one in patterns if len(one) > LONGEST), None)
    if long is not None:
        raise Unanswerable(f"the pattern {long[:40]!r}... is longer than {LONGEST:,} characters")
    try:
        return GitIgnoreSpec.from_lines(patterns, backend="re2")
    except Exception as error:  # of two libraries, each with its own
        raise Unanswerable(f"{', '.join(patterns)[:200]}: no pattern of paths: {error}") from error


def shown(path: str) -> str:
    """The path with a replacement for bytes that are not UTF-8, which RE2 cannot be given."""
    return path.encode(errors="surrogateescape").decode(errors="replace")
