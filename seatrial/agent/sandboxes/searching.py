"""Searches in files for policies: one question, answered on the host, by RE2, so that no pattern takes for ever."""

from collections.abc import Iterator, Mapping
from typing import Any

import re2

from seatrial.agent.sandboxes.questions import Unanswerable

MOST_FOUND = 10_000
LONGEST_TEXT = 300  # characters of a line, and of what matched
MOST_READ = 256 << 20  # bytes of all files of one search
LONGEST_PATTERN = 5_000


class Search:
    """One pattern, as text; `(?i)` and the like at its beginning say how it is meant. ^ and $ are ends of lines. Raises Unanswerable."""

    def __init__(self, pattern: str) -> None:
        options = re2.Options()
        options.log_errors = False
        options.never_nl = False
        try:
            self._expression = re2.compile(f"(?m){pattern}", options)
        except (re2.error, UnicodeEncodeError) as error:
            raise Unanswerable(
                f"the pattern {pattern[:200]!r} cannot be used: {error} (it is read by RE2)"
            ) from error
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
