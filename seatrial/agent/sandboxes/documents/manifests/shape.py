"""What every reader of manifests gives."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_DEPENDENCIES = 5_000


class Unreadable(Exception):
    """Nothing of the manifest could be read. The text says why, `line` where."""

    def __init__(self, why: str, line: int | None = None) -> None:
        super().__init__(why)
        self.line = line


@dataclass
class Found:
    """The project's own name, what it depends on, and what could not be read."""

    name: str = ""
    dependencies: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self, name: object, spec: object, group: str, line: int | None, locked: bool | None = None
    ) -> None:
        """One dependency; `group` is the ecosystem's own word for what it is for, `main` where there is none."""
        one = {"name": str(name), "spec": str(spec), "group": group, "line": line, "locked": locked}
        self.dependencies.append(one)

    def wrong(self, line: int | None, message: str) -> None:
        """Something that could not be read."""
        self.errors.append({"line": line, "message": message})


class Lines:
    """Where keys stand in a text whose parser does not say so: after the key of their table, the first place that fits."""

    def __init__(self, text: str) -> None:
        self._text = text

    def find(self, name: str, after: str = "") -> int | None:
        """The line of `name`, in quotes or as a key, after the first place of `after`."""
        begin = self._text.find(after) if after else 0
        pattern = rf"""["']{re.escape(name)}(?![\w.-])|^[ \t]*{re.escape(name)}[ \t]*="""
        found = re.compile(pattern, re.MULTILINE | re.IGNORECASE).search(self._text, max(0, begin))
        if found is None:
            return None
        at = found.start() + len(found[0]) - len(found[0].lstrip())
        return self._text.count("\n", 0, at) + 1


def toml(text: str) -> dict[str, Any]:
    """The table. Raises Unreadable."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+)", str(error))
        raise Unreadable(f"not valid TOML: {error}", int(at[1]) if at else text.count("\n") + 1) from error
    except (RecursionError, ValueError) as error:
        raise Unreadable("not valid TOML") from error


def json_object(text: str) -> dict[str, Any]:
    """The object. Raises Unreadable."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise Unreadable(f"not valid JSON: {error.msg}", error.lineno) from error
    except (RecursionError, ValueError) as error:
        raise Unreadable("not valid JSON") from error
    if not isinstance(value, dict):
        raise Unreadable("not a JSON object", 1)
    return value


def table(value: Any, *keys: str) -> dict[str, Any]:
    """The table below these keys; empty where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def array(value: Any, *keys: str) -> list[Any]:
    """The list below these keys; empty where there is none."""
    inner = table(value, *keys[:-1]).get(keys[-1])
    return inner if isinstance(inner, list) else []


def by_name(packages: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, set[str]]:
    """The versions of each package of a lock file."""
    found: dict[str, set[str]] = {}
    for name, package in packages:
        found.setdefault(name, set()).update(
            [package["version"]] if isinstance(package.get("version"), str) else []
        )
    return found
