"""The commit's files as a policy sees them, in a repository of any size: they stay with the host."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Ask = Callable[..., Any]
Pattern = str | re.Pattern[str]
MOST_ASKED = 500  # paths in one question
FLAGS = {re.IGNORECASE: "i", re.DOTALL: "s"}


class Files:
    """Paths of the commit's files and symbolic links, sorted. Each question is asked once, and its answer is only what was asked for."""

    def __init__(self, ask: Ask, ask_once: Ask) -> None:
        self._ask = ask_once
        self._ask_again = ask  # for answers that need not be kept
        self._there: dict[str, bool] = {}

    def __len__(self) -> int:
        return self.count()

    def __iter__(self) -> Iterator[str]:
        place: int | None = 0
        while place is not None:
            part = self._ask_again("files_part", [str(place)])
            yield from part["paths"]
            place = part["next"]

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and bool(self.among([path]))

    def among(self, paths: Iterable[str]) -> set[str]:
        """Those of `paths` that are there. One that ends with / is there if a file is below it."""
        wanted = dict.fromkeys(paths)
        unknown = [path for path in wanted if path not in self._there]
        for first in range(0, len(unknown), MOST_ASKED):
            asked = unknown[first : first + MOST_ASKED]
            there = set(self._ask_again("files_among", [asked]))
            self._there |= {path: path in there for path in asked}
        return {path for path in wanted if self._there[path]}

    def count(self, pattern: Pattern = "", *, unless: Pattern = "") -> int:
        """How many there are; how many have a path in which RE2 finds `pattern`, and not `unless`."""
        asked = [expression(pattern), expression(unless)]
        return int(self._ask("files_count", *(asked if any(asked) else [])))

    def matching(
        self, pattern: Pattern, *, whole: bool = False, unless: Pattern = "", most: int | None = None
    ) -> list[str]:
        """Those in whose path RE2 finds `pattern`, and not `unless`; `whole`: those whose path it is, from end to end. The first `most`."""
        asked = [expression(unless), "" if most is None else str(int(most))]
        return list(self._ask("files_matching", expression(pattern, whole), *(asked if any(asked) else [])))

    def sizes(self, pattern: Pattern = "", *, above: int = -1, below: int | None = None) -> dict[str, int]:
        """{path: bytes} of the regular files that have more bytes than `above`, and less than `below`; of those in whose path RE2
        finds `pattern`."""
        most = "" if below is None else str(int(below))
        return dict(self._ask("files_sizes", expression(pattern), str(int(above)), most))

    def sizes_of(self, paths: Iterable[str]) -> dict[str, int]:
        """{path: bytes} of those of `paths` that are regular files."""
        wanted, found = list(dict.fromkeys(paths)), dict[str, int]()
        for first in range(0, len(wanted), MOST_ASKED):
            found |= self._ask("files_sizes_of", wanted[first : first + MOST_ASKED])
        return found


def expression(pattern: Pattern, whole: bool = False) -> str:
    """A pattern as the host is asked with it."""
    if isinstance(pattern, re.Pattern):
        if pattern.flags & re.VERBOSE:
            raise ValueError("RE2 knows no verbose patterns")
        flags = "".join(letter for flag, letter in FLAGS.items() if pattern.flags & flag)
        pattern = f"(?{flags}:{pattern.pattern})" if flags else pattern.pattern
    if not isinstance(pattern, str):
        raise TypeError(f"a pattern must be a str, not {type(pattern).__name__}")
    return f"^(?:{pattern})$" if whole else pattern
