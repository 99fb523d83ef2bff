"""YAML documents, with the line of every key; what could grow without end is refused."""

import datetime
import math
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from seatrial.control.policies.errors import BadDocument

MOST_NODES = 20_000
DEEPEST = 30


class Located(dict[str, Any]):
    """A mapping; `line` is its own, `lines` has that of each key's value, `blocks` that of the first line of each text."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}
        self.blocks: dict[str, int] = {}


def documents(text: str) -> list[Any]:
    """All documents in `text`: mappings are Located, everything else is what JSON has. Raises BadDocument."""
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 1)  # yes and no are true and false, as in most files that there are
    try:
        nodes = [node for node in yaml.compose_all(text) if node is not None]
        return [_Reader().value(node, 0) for node in nodes]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BadDocument(
            mark.line + 1 if mark else 0, f"this is no YAML: {error.problem or error.context}"
        ) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise BadDocument(0, "this is no YAML that can be read") from error


class _Reader:
    """One document. Every node is counted as often as it is used, so aliases cannot multiply."""

    def __init__(self) -> None:
        self._left = MOST_NODES
        self._scalars = SafeConstructor(loader=YAML(typ="safe", pure=True))

    def value(self, node: Node, depth: int) -> Any:
        """What `node` says."""
        line = node.start_mark.line + 1
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            raise BadDocument(
                line, f"the document has more than {MOST_NODES:,} values, or is deeper than {DEEPEST}"
            )
        if isinstance(node, MappingNode):
            return self._mapping(node, depth)
        if isinstance(node, SequenceNode):
            return [self.value(one, depth + 1) for one in node.value]
        return self._scalar(node, line)

    def _mapping(self, node: MappingNode, depth: int) -> Located:
        found = Located(node.start_mark.line + 1)
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise BadDocument(key.start_mark.line + 1, "a key is a text")
            name = str(key.value)
            if name in found:
                raise BadDocument(key.start_mark.line + 1, f"the key {name} is there twice")
            found[name] = self.value(value, depth + 1)
            found.lines[name] = key.start_mark.line + 1
            block = isinstance(value, ScalarNode) and value.style in ("|", ">")
            found.blocks[name] = value.start_mark.line + (2 if block else 1)
        return found

    def _scalar(self, node: Node, line: int) -> Any:
        try:
            value = self._scalars.construct_object(node)
        except (YAMLError, ValueError) as error:
            raise BadDocument(line, f"{str(node.value)[:60]!r} is no value that is understood") from error
        if isinstance(value, datetime.date):
            return str(node.value)
        if isinstance(value, float) and not math.isfinite(value):
            raise BadDocument(line, "a number must be finite")
        if value is None or isinstance(value, str | int | float):
            return value
        raise BadDocument(line, f"{str(node.value)[:60]!r} is no value that is understood")


def plain_value(value: Any) -> Any:
    """Without the lines."""
    if isinstance(value, Mapping):
        return {key: plain_value(one) for key, one in value.items()}
    return [plain_value(one) for one in value] if isinstance(value, list) else value
