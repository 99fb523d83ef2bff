"""Searches in files for policies: one question, answered on the host, by RE2, so that no pattern takes for ever."""

from collections.abc import Iterator, Mapping
from typing import Any

import re2

from seatrial.agent.sandboxes.questions import Unanswerable

MOST_FOUND = 10_000
LONGEST_TEXT = 300  # characters of a line, and of what matched
MOST_READ = 256 << 20  # bytes of all files of one search


def compiled(pattern: str, **options: int) -> Any:
    """The pattern, read by RE2 with these options. Raises Unanswerable."""
    chosen = re2.Options()
    chosen.log_errors = False
    for name, value in options.items():
        setattr(chosen, name, value)
    try:
        return re2.compile(pattern.encode() if chosen.never_nl else pattern, chosen)
    except (re2.error, UnicodeEncodeError) as error:
        why = error.args[0].decode(errors="replace") if isinstance(error, re2.error) else error
        raise Unanswerable(
            f"the pattern {pattern[:200]!r} cannot be used: {why} (it is read by RE2)"
        ) from error


class Search:
    """One pattern, as text; `(?i)` and the like at its beginning say how it is meant. ^ and $ are ends of lines. Raises Unanswerable."""

    def __init__(self, pattern: str) -> None:
        self._expression = compiled(f"(?m){pattern}")
        self.found: list[dict[str, Any]] = []
        self.left_out = 0

    def look(self, texts: Mapping[str, str]) -> None:
        """Search these files, in their order. Blocking: one call is some MB of text."""
        for path, text in texts.items():
            for one in self._in_text(path, text):
                if len(self.found) < MOST_FOUND:
                    self.found.append(one)
                else:
                    self.left_out += 1

    def _in_text(self, path: str, text: str) -> Iterator[dict[str, Any]]:
        """What is found, once for each line that a match begins in."""
        line, after = 1, 0
        for match in self._expression.finditer(text):
            start = match.start()
            if start < after:
                continue
            line += text.count("\n", after, start)
            begin = text.rfind("\n", 0, start) + 1
            end = text.find("\n", start)
            whole = text[begin : end if end >= 0 else len(text)]
            yield {
                "path": path,
                "line": line,
                "text": whole[:LONGEST_TEXT],
                "match": match.group()[:LONGEST_TEXT],
            }
            if end < 0:
                return
            line, after = line + 1, end + 1
