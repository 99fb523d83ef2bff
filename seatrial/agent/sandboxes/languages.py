"""The languages of a repository, by the bytes of its files. Counted on the host, from names, sizes and `#!` lines.

The languages and their names come from GitHub's linguist (`seatrial.linguist`). Data,
prose, vendored paths, documentation and generated files do not count. Where linguist looks into a file whose extension
is ambiguous, this looks at the rest of the commit: a header is C++ among C++ files.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from seatrial.agent.vocabulary.tree import Entry
from seatrial.linguist import data

_DATA = data()
_GROUPS: dict[str, str] = _DATA["groups"]
_NAMES: dict[str, str] = _DATA["names"]
_INTERPRETERS: dict[str, str] = _DATA["interpreters"]
_EXTENSIONS: dict[str, list[str]] = _DATA[
    "extensions"
]  # the usual language first; an empty list does not count
_SKIPPED = re.compile(_DATA["skipped"])
MAX_PATH = 1000  # characters; matching time grows with their square, and real file names are shorter
EXECUTABLE = "100755"
MAX_SCRIPTS = 200  # files that are read for one commit
MAX_SCRIPT = 1 << 16  # bytes of one such file


def candidates(path: str) -> list[str]:
    """The languages that a file may be written in, the usual one first; none when it does not count as code."""
    name = PurePosixPath(path).name
    if name in _NAMES:
        return [_NAMES[name]]
    parts = name.lower().split(".")
    extensions = ("." + ".".join(parts[start:]) for start in range(1, len(parts)))
    return next((_EXTENSIONS[one] for one in extensions if one in _EXTENSIONS), [])


def scripts(entries: Iterable[Entry]) -> list[str]:
    """Paths whose language only a `#!` line can tell: executable, without an extension, not large."""
    nameless = (
        entry.path
        for entry in entries
        if entry.mode == EXECUTABLE and 0 < (entry.size or 0) <= MAX_SCRIPT
        if "." not in PurePosixPath(entry.path).name and not candidates(entry.path)
        if not _is_skipped(entry.path)
    )
    return [path for path, _ in zip(nameless, range(MAX_SCRIPTS), strict=False)]


def language_of_script(content: bytes) -> str | None:
    """The language that a `#!` line names, if there is one."""
    line = content[:1000].partition(b"\n")[0].decode(errors="replace")
    words = line[2:].split() if line.startswith("#!") else []
    if words and PurePosixPath(words[0]).name == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    if not words:
        return None
    program = PurePosixPath(words[0]).name
    return _INTERPRETERS.get(program) or _INTERPRETERS.get(re.sub(r"(\.\d+)+$", "", program))


def languages(
    entries: Iterable[Entry], contents: Mapping[str, bytes | None] | None = None
) -> dict[str, float]:
    """Percent by language, most first, one decimal; empty without code. `contents` are the contents of `scripts(entries)`."""
    sizes: Counter[str] = Counter()
    open_questions: defaultdict[tuple[str, ...], int] = defaultdict(int)
    scripted = {path: language_of_script(content or b"") for path, content in (contents or {}).items()}
    for entry in entries:
        script = scripted.get(entry.path)
        possible = [script] if script else candidates(entry.path)
        if not entry.size or not possible or _is_skipped(entry.path):
            continue
        if len(possible) == 1:
            sizes[possible[0]] += entry.size
        else:
            open_questions[tuple(possible)] += entry.size
    return _percent(sizes + _decided(sizes, open_questions))


def _is_skipped(path: str) -> bool:
    return len(path) > MAX_PATH or _SKIPPED.search(path) is not None


def _decided(certain: Counter[str], questions: Mapping[tuple[str, ...], int]) -> Counter[str]:
    """Bytes by language, ambiguous extensions resolved: to the candidate that the commit has most of, else the usual one."""
    guessed = Counter(certain)
    for possible, size in questions.items():
        guessed[possible[0]] += size
    decided: Counter[str] = Counter()
    for possible, size in questions.items():
        beside = guessed - Counter({possible[0]: size})
        decided[max(possible, key=lambda name: beside[name])] += size  # the first of equals
    return decided


def _percent(sizes: Counter[str]) -> dict[str, float]:
    grouped: Counter[str] = Counter()
    for name, size in sizes.items():
        grouped[_GROUPS.get(name, name)] += size
    whole = sum(grouped.values())
    return {name: round(100 * size / whole, 1) for name, size in grouped.most_common()}
