"""Python: pyproject.toml (its standards, and Poetry's tables) and requirements files."""

import re
import tomllib
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from seatrial.agent.sandboxes.documents.manifests.shape import Found, Lines, array, by_name, table, toml

OPTION = re.compile(r"(?<=\s)--?[a-z].*$")
EGG = re.compile(r"[#&]egg=([\w.-]+)")
EDITABLE = re.compile(r"(?:-e|--editable)[ =]\s*")
COMMENT = re.compile(r"(^|\s)#.*$")


def pyproject(_path: str, text: str) -> Found:
    """PEP 621 and 735, what builds it, and `tool.poetry`. Raises Unreadable."""
    data, lines = toml(text), Lines(text)
    found = Found(
        name=str(table(data, "project").get("name") or table(data, "tool", "poetry").get("name") or "")
    )
    groups: list[tuple[str, list[Any], str]] = [
        ("main", array(data, "project", "dependencies"), "dependencies"),
        ("build", array(data, "build-system", "requires"), "requires"),
    ]
    groups += [
        (str(name), array({"a": one}, "a"), str(name))
        for name, one in table(data, "project", "optional-dependencies").items()
    ]
    groups += [
        (str(name), array({"a": one}, "a"), str(name))
        for name, one in table(data, "dependency-groups").items()
    ]
    for group, entries, after in groups:
        for entry in entries:
            if isinstance(entry, str):
                _add(found, entry, group, lines.find(re.split(r"[^\w.-]", entry.strip())[0], after))
    _poetry(found, data, lines)
    _uv(found, table(data, "tool", "uv", "sources"))
    return found


def _uv(found: Found, sources: dict[str, Any]) -> None:
    """What uv takes in place of what a registry has."""
    elsewhere = {canonicalize_name(name): _source(spec) for name, spec in sources.items()}
    for one in found.dependencies:
        one["spec"] = elsewhere.get(one["name"]) or one["spec"]


def _poetry(found: Found, data: dict[str, Any], lines: Lines) -> None:
    tables = {
        "main": table(data, "tool", "poetry", "dependencies"),
        "dev": table(data, "tool", "poetry", "dev-dependencies"),
    }
    for name in table(data, "tool", "poetry", "group"):
        tables[name] = table(data, "tool", "poetry", "group", name, "dependencies")
    for group, entries in tables.items():
        for name, spec in entries.items():
            if name != "python":
                said = (
                    spec if isinstance(spec, str) else table({"a": spec}, "a").get("version", _source(spec))
                )
                found.add(canonicalize_name(name), said, group, lines.find(name, "[tool.poetry"))


def _source(spec: Any) -> str:
    given = table({"a": spec}, "a")
    if given.get("workspace"):
        return "workspace"
    pin = next((f" {given[key]}" for key in ("rev", "tag", "branch") if key in given), "")
    return next((f"{key} {given[key]}{pin}" for key in ("git", "url", "path") if key in given), "")


def requirements(_path: str, text: str) -> Found:
    """A requirements file as pip reads it: continued lines, comments, options. Files that it names are manifests of their own."""
    found = Found()
    for number, line in _whole_lines(text):
        if EDITABLE.match(line) or re.match(r"(git|hg|svn|bzr)\+|https?:", line):
            link = EDITABLE.sub("", line)
            egg = EGG.search(link)
            found.add(canonicalize_name(egg[1]) if egg else link, link, "main", number, locked=False)
        elif line and not line.startswith("-"):
            _add(found, OPTION.sub("", line), "main", number, pins=True)
    return found


def _whole_lines(text: str) -> list[tuple[int, str]]:
    whole, begun, number = [], "", 1
    for at, line in enumerate(text.split("\n"), 1):
        if not begun:
            number = at
        begun += line.rstrip("\r")
        if begun.endswith("\\"):
            begun = begun[:-1] + " "
            continue
        whole.append((number, COMMENT.sub("", begun).strip()))
        begun = ""
    return whole


def _add(found: Found, entry: str, group: str, line: int | None, *, pins: bool = False) -> None:
    try:
        one = Requirement(entry)
    except InvalidRequirement as error:
        return found.wrong(line, f"{entry[:200]!r} is no requirement: {str(error).splitlines()[0]}")
    exact = any(each.operator in ("==", "===") and not each.version.endswith("*") for each in one.specifier)
    return found.add(
        canonicalize_name(one.name),
        f"@ {one.url}" if one.url else one.specifier,
        group,
        line,
        exact if pins else None,
    )


def locked(text: str) -> dict[str, set[str]]:
    """The versions of each name in a lock file of uv, Poetry or PDM."""
    try:
        packages = array(tomllib.loads(text), "package")
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return {}
    return by_name(
        (canonicalize_name(str(one.get("name", ""))), one) for one in packages if isinstance(one, dict)
    )
