"""The paths of one commit as one text, in which an expression is searched once: a large repository has a million of them."""

import functools
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import Any

from seatrial.agent.sandboxes.globs import shown
from seatrial.agent.sandboxes.questions import Unanswerable
from seatrial.agent.sandboxes.searching import compiled

ENDS_OF_ALL = ("\\A", "\\z")  # would mean the first path and the last one
# What RE2 is to know: an expression never leaves its line, and says nothing of its groups.
OF_LINES = {"never_nl": True, "never_capture": True, "max_mem": 4 << 20}


class Names:
    """Paths in their order. Blocking calls: some 20 ms for each 100,000 paths."""

    def __init__(self, paths: Sequence[str]) -> None:
        odd = [] if is_plain("".join(paths)) else [path for path in paths if not is_plain(path)]
        rest = set(odd)
        self.paths = paths
        self._odd = {path: shown(path).replace("\n", "\ufffd") for path in odd}
        self._text = "\n".join(path for path in paths if path not in rest).encode() if paths else b""
        self._folders: set[str] | None = None
        self._known: set[str] | None = None

    @property
    def size(self) -> int:
        """Bytes of all paths."""
        return len(self._text)

    def meant(self, pattern: str, unless: str = "", most: int | None = None) -> list[str]:
        """Those in which RE2 finds `pattern`, and not `unless`; ^ and $ are a path's ends. The first `most`. Raises Unanswerable."""
        left_out = set(self.matched(checked(unless))) if unless else ()
        found = (path for path in self._found(checked(pattern)) if path not in left_out)
        return list(islice(found, most))

    def count(self, pattern: str, unless: str = "") -> int:
        """How many `meant` would return."""
        left_out = set(self.matched(checked(unless))) if unless else ()
        if left_out:
            return sum(1 for path in self._found(checked(pattern)) if path not in left_out)
        return sum(1 for _ in whole_line(checked(pattern)).finditer(self._text)) + len(
            self._odd_ones(pattern)
        )

    def matched(self, pattern: str) -> list[str]:
        """Those in which RE2 finds a pattern that is known to be good."""
        return list(self._found(pattern))

    def _found(self, pattern: str) -> Iterator[str]:
        """In their order."""
        plain = (match.group().decode() for match in whole_line(pattern).finditer(self._text))
        return merge(plain, self._odd_ones(pattern))

    def _odd_ones(self, pattern: str) -> list[str]:
        whole = whole_line(pattern)
        return [path for path, text in self._odd.items() if next(whole.finditer(text.encode()), None)]

    def among(self, asked: Iterable[str]) -> list[str]:
        """Those of `asked` that are there; what ends with / is there if something is below it."""
        self._known = self._known or set(self.paths)
        return [one for one in asked if one in (self.folders if one.endswith("/") else self._known)]

    @property
    def folders(self) -> set[str]:
        """Every folder, with / at its end."""
        if self._folders is None:
            self._folders = set()
            for path in self.paths:
                self._add_folders(self._folders, path)
        return self._folders

    @staticmethod
    def _add_folders(folders: set[str], path: str) -> None:
        end = path.rfind("/")
        while end >= 0 and (folder := path[: end + 1]) not in folders:
            folders.add(folder)
            end = path.rfind("/", 0, end)


@functools.lru_cache(maxsize=300)
def whole_line(pattern: str) -> Any:
    """What finds each line in which `pattern` is found. It is kept, because the same policies ask of every commit."""
    return compiled(f"(?m)^.*(?:{pattern}).*$", **OF_LINES)


@functools.lru_cache(maxsize=300)
def checked(pattern: str) -> str:
    """The pattern, if RE2 can be given it. Raises Unanswerable."""
    compiled(pattern)
    if any(end in pattern for end in ENDS_OF_ALL):
        raise Unanswerable(f"the pattern {pattern[:200]!r} has \\A or \\z; ^ and $ are the ends of a path")
    return pattern


def is_plain(path: str) -> bool:
    """Whether a path is one line of UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return "\n" not in path and bool(path)
