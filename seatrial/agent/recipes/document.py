"""A YAML file as plain data that remembers the line of each key."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError

from seatrial.agent.vocabulary.errors import RecipeError

NUL = "\0"
MAX_NODES = 20_000  # more than any recipe needs; a file of nested aliases exceeds it at once
MOST_ENTRIES = 500  # of one list; the schema compares all pairs of them
MOST_DOCUMENTS = 50  # of one file

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """`data` holds only dicts, lists and scalars; `lines` maps a path of keys to its line."""

    file: str
    data: dict[str, Any]
    lines: Mapping[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """The line of `path`, or of the nearest enclosing key that is in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def place(self, path: Path) -> str:
        """`file:line` of `path`."""
        file, line = self.where(path)
        return f"{file}:{line}"

    def where(self, path: Path) -> tuple[str, int]:
        """File and line of `path`."""
        return self.file, self.line(path)

    def error(self, path: Path, problem: str, fix: str, kind: type[RecipeError] = RecipeError) -> RecipeError:
        """A RecipeError that names file, line and key."""
        key = ".".join(str(part) for part in path)
        told = f"{self.place(path)}: {key + ': ' if key else ''}{problem}. {fix}."
        return kind(told, at=path, place=self.where(path))

    def fail(self, path: Path, problem: str, fix: str) -> NoReturn:
        """Raise `error`."""
        raise self.error(path, problem, fix)

    def warning(self, path: Path, text: str) -> str:
        """A line for the log, placed like an error."""
        return f"{self.place(path)}: {'.'.join(str(part) for part in path)}: {text}"

    def unknown(self, path: Path, known: Iterable[str]) -> RecipeError:
        """The error for a key nobody knows, with the nearest known one."""
        known = sorted(known)
        near = difflib.get_close_matches(str(path[-1]), known, n=1)
        allowed = f"Allowed here: {', '.join(known)}." if known else "Correct its name."
        fix = f"Did you mean {near[0]}?" if near else allowed
        key = ".".join(str(part) for part in path)
        return RecipeError(f"{self.place(path)}: {key}: unknown key. {fix}", place=self.where(path))

    def without(self, wrong: Iterable[Path]) -> dict[str, Any]:
        """`data` without the keys and values at these places; without the whole list where one entry is wrong."""
        rest = deepcopy(self.data)
        for path in sorted(map(before_lists, wrong), key=len, reverse=True):
            holder: Any = rest
            for key in path[:-1]:
                holder = holder.get(key) if isinstance(holder, dict) else None
            if path and isinstance(holder, dict):
                holder.pop(path[-1], None)
        return rest


def with_nul(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where the texts are, in `value`, that no program can be given."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from with_nul(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from with_nul(inner, (*path, index))
    elif isinstance(value, str) and NUL in value:
        yield path


def before_lists(path: Path) -> Path:
    """`path` up to the first list: its other entries would move if one were left out."""
    first = next((place for place, part in enumerate(path) if isinstance(part, int)), len(path))
    return path[:first]


def parse(file: str, raw: bytes) -> Document:
    """Read YAML 1.2 text. Raises RecipeError with the line (and column) of the error."""
    return document(file, loaded(file, raw, YAML.load))


def parse_several(file: str, raw: bytes) -> list[Document]:
    """The same of a text that may hold several documents, which `---` separates: at least one."""
    several = loaded(file, raw, lambda yaml, text: list(islice(yaml.load_all(text), MOST_DOCUMENTS)))
    return [document(file, one) for one in several if one is not None] or [document(file, None)]


def loaded(file: str, raw: bytes, load: Callable[[YAML, str], Any]) -> Any:
    """What `load` makes of the text. Raises RecipeError."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise RecipeError(f"{file}:{line}: not UTF-8 text. Save the file as UTF-8.") from error
    yaml = YAML(typ="rt", pure=True)
    yaml.allow_duplicate_keys = False
    try:
        return load(yaml, text)
    except MarkedYAMLError as error:
        raise unreadable(file, text, error) from error
    except Exception as error:  # the library raises IndexError and others for text that is not YAML
        raise RecipeError(
            f"{file}:1: not valid YAML: {first_line(error)}. Correct it, or put odd values in quotes."
        ) from error


def document(file: str, node: Any) -> Document:
    """The document that was loaded as `node`. Raises RecipeError."""
    if node is None:
        raise RecipeError(f"{file}:1: the file is empty. Describe at least one service under services.")
    if not isinstance(node, CommentedMap):
        raise RecipeError(f"{file}:1: expected keys and values at the top. Start with a line like services:")
    lines: dict[Path, int] = {}
    data = Plain(file, lines).of(node, ())
    return Document(file, data, lines)


@dataclass
class Plain:
    """Turns ruamel's nodes into plain data, merge keys resolved, and notes lines."""

    file: str
    lines: dict[Path, int]
    nodes: int = 0

    def of(self, node: Any, path: Path) -> Any:
        """The plain value of `node`, which is at `path`."""
        self.nodes += 1
        if self.nodes > MAX_NODES or len(path) > 40:
            raise RecipeError(
                f"{self.file}:1: more than {MAX_NODES:,} values once aliases are expanded. Use fewer aliases."
            )
        if isinstance(node, CommentedMap):
            return {str(key): self._child(node, key, path) for key in node}
        if isinstance(node, CommentedSeq):
            if len(node) > MOST_ENTRIES:
                problem = f"a list of {len(node):,} entries. Keep it to {MOST_ENTRIES} at most."
                raise RecipeError(f"{self.file}:{node.lc.line + 1}: {problem}")
            return [self._child(node, index, path) for index in range(len(node))]
        return scalar(node)

    def _child(self, node: Any, key: Any, path: Path) -> Any:
        inner = (*path, key if isinstance(node, CommentedSeq) else str(key))
        position = (node.lc.data or {}).get(key)
        if position is not None:
            self.lines[inner] = position[0] + 1
        return self.of(node[key], inner)


def scalar(value: Any) -> Any:
    """ruamel's scalar subclasses as built-in types; anything exotic (dates, tagged values) as text."""
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


def unreadable(file: str, text: str, error: MarkedYAMLError) -> RecipeError:
    """The error for broken YAML: what, where, and a fix for the usual cause."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    problem = (error.problem or "cannot be read").strip().splitlines()[0]
    lines = text.splitlines()
    shown = lines[line - 1] if line <= len(lines) else ""
    if re.match(r"\s*\t", shown) or "'\\t'" in problem:
        return RecipeError(f"{file}:{line}:{column}: a tab indents this line. Indent with spaces.")
    if "duplicate key" in problem:
        return RecipeError(f"{file}:{line}:{column}: {problem}. Keep one of them.")
    return RecipeError(
        f"{file}:{line}:{column}: not valid YAML: {problem}. Check the indentation, colons and quotes here."
    )


def first_line(error: BaseException) -> str:
    """The first line of an exception's text, without its last full stop."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
