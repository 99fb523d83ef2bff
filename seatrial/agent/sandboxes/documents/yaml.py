"""YAML as plain data, with the line of each value."""

import re
from itertools import accumulate
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

MAX_TEXT = 100_000  # characters; reading is slow, and what people write is smaller
MAX_NODES = 20_000  # of all documents, aliases expanded
MAX_DEPTH = 60
MOST_OPEN = 200  # brackets, counted without regard to quotes; reading takes the square of their number
TAG = "tag:yaml.org,2002:"
MERGE = TAG + "merge"


class TooMuch(Exception):
    """More values than are handed to a policy; the text says how many."""


def documents(text: str) -> Any:
    """`[{"data", "lines"}]`, one for each document of the file, or `{"unreadable": reason}`.

    `lines` maps the path of a value, its keys and places joined by "/", to its line: `{"jobs/test/steps/0": 6}`. The top
    is "". YAML 1.2: `on` is a text. A key that is there twice has its last value. Values with tags of programs are texts.
    """
    if len(text) > MAX_TEXT:
        return {"unreadable": f"{len(text):,} characters; YAML is read up to {MAX_TEXT:,}"}
    if open_brackets(text) > MOST_OPEN:
        return {"unreadable": f"brackets nested more than {MOST_OPEN} deep"}
    try:
        return [_document(node) for node in YAML(typ="safe", pure=True).compose_all(text)]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        return {"unreadable": f"not valid YAML: {where}{(error.problem or 'cannot be read').strip()}"}
    except TooMuch as error:
        return {"unreadable": str(error)}
    except (YAMLError, RecursionError, ValueError, IndexError, KeyError, TypeError, AttributeError):
        return {"unreadable": "not valid YAML"}  # the library raises all of these for text that is none


def open_brackets(text: str) -> int:
    """The most brackets that are open at any place of `text`."""
    steps = (1 if bracket in "[{" else -1 for bracket in re.findall(r"[\[\]{}]", text))
    return max(accumulate(steps), default=0)


def _document(node: Node) -> dict[str, Any]:
    plain = _Plain()
    data = plain.of(node, ())
    return {"data": data, "lines": plain.lines}


class _Plain:
    """Turns nodes into plain data, merge keys resolved, and notes lines."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.nodes = 0

    def of(self, node: Node, path: tuple[str, ...]) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES or len(path) > MAX_DEPTH:
            raise TooMuch(f"more than {MAX_NODES:,} values, or nested more than {MAX_DEPTH} deep")
        self.lines.setdefault("/".join(path), node.start_mark.line + 1)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.of(inner, (*path, str(index))) for index, inner in enumerate(node.value)]
        return scalar(node)

    def _mapping(self, node: MappingNode, path: tuple[str, ...]) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == MERGE:
                merged |= self._merged(value, path)
                continue
            name = str(key.value) if isinstance(key, ScalarNode) else "?"
            self.lines["/".join((*path, name))] = key.start_mark.line + 1
            own[name] = self.of(value, (*path, name))
        return merged | own

    def _merged(self, value: Node, path: tuple[str, ...]) -> dict[str, Any]:
        inner = self.of(value, (*path, "<<"))
        several = inner if isinstance(inner, list) else [inner]
        return {k: v for one in reversed(several) if isinstance(one, dict) for k, v in one.items()}


def scalar(node: Node) -> Any:
    """The value of a node that is neither a list nor a mapping."""
    text = str(node.value)
    if node.tag == TAG + "null":
        return None
    if node.tag == TAG + "bool":
        return text.lower() == "true"
    try:
        if node.tag == TAG + "int":
            return int(text, 0 if text[:2] in ("0x", "0o") else 10) if len(text) < 20 else text
        if node.tag == TAG + "float" and text.lstrip("+-")[:1].isdigit():
            return float(text)
    except ValueError:
        pass
    return text
