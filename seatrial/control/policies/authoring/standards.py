"""Reads policies from files as other places have them: Python files of ours, and GitGrit's standards and packs in YAML.

A standard becomes a policy's file: its code as it is, with its description at the top and its name, criteria and test cases as
literals at the end. So nothing of it is kept anywhere else, and the same standard always becomes the same file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from pprint import pformat
from typing import Any

from seatrial.control.policies.authoring.documents import Located, documents, plain_value
from seatrial.control.policies.authoring.reading import plain, read
from seatrial.control.policies.errors import BadDocument, BadPolicy, Problem
from seatrial.control.policies.packs import PackedPolicy
from seatrial.wire.visible import visible

LITERALS = {"name": "NAME", "criteria": "CRITERIA", "params": "PARAMS", "test_cases": "TESTS"}
NEEDED = ("name", "code")
TEXTS = ("slug", "name", "description", "code")
FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*\n", re.DOTALL)
YAML_NAMES = (".yaml", ".yml", ".md", ".json")


@dataclass(frozen=True)
class Standard:
    """One policy that a file has. `pack` is the slug of the pack that names it."""

    draft: PackedPolicy
    file: str
    line: int
    pack: str = ""


@dataclass(frozen=True)
class Broken:
    """What is wrong in a file, where, and under which key; `line` 0: the whole file."""

    file: str
    line: int
    key: str
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key + ': ' if self.key else ''}{self.text}"


@dataclass
class Found:
    """Everything that files have, and everything that is wrong with them."""

    standards: list[Standard] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    packs: dict[str, str] = field(default_factory=dict)  # the slug of a policy: that of its pack


def found_in(files: list[tuple[str, str]]) -> Found:
    """What `files`, as (name, text), have. One broken item leaves the others as they are."""
    found = Found()
    for name, text in files:
        _take(found, name, text)
    seen: dict[str, Standard] = {}
    for one in found.standards:
        slug = one.draft.slug
        if slug in seen:
            found.broken.append(Broken(one.file, one.line, "slug", f"{slug} is in {seen[slug].file} already"))
        else:
            seen[slug] = Standard(one.draft, one.file, one.line, found.packs.get(slug, ""))
    found.standards = list(seen.values())
    return found


def _take(found: Found, name: str, text: str) -> None:
    text = text.replace("\r\n", "\n")
    path = PurePosixPath(name)
    if path.suffix == ".py":
        _add(found, name, path.stem.replace("_", "-"), plain(text))
    elif path.suffix in YAML_NAMES:
        _take_yaml(found, name, text)
    else:
        found.broken.append(Broken(name, 0, "", f"its name ends with none of .py, {', '.join(YAML_NAMES)}"))


def _take_yaml(found: Found, name: str, text: str) -> None:
    front = FRONT.match(text)
    head = front[1] if front else text
    try:
        read_documents = documents(("\n" if front else "") + head)
        if front and not (
            len(read_documents) == 1
            and isinstance(read_documents[0], Located)
            and "code" not in read_documents[0]
        ):
            front, read_documents = None, documents(text)
    except BadDocument as error:
        found.broken.append(Broken(name, error.line, "", str(error)))
        return
    if front:
        head_of = read_documents[0]
        head_of["code"] = text[front.end() :]
        head_of.lines["code"] = head_of.blocks["code"] = text.count("\n", 0, front.end()) + 1
    items = [item for one in read_documents for item in (one if isinstance(one, list) else [one])]
    for item in items:
        _take_item(found, name, item)


def _take_item(found: Found, name: str, item: Any) -> None:
    if not isinstance(item, Located):
        found.broken.append(
            Broken(name, 0, "", "a standard is a dictionary with name and code, a pack one with standards")
        )
        return
    if isinstance(item.get("standards"), list) and "code" not in item:
        _take_pack(found, name, item)
        return
    broken = list(_wrong_with(name, item))
    if broken:
        found.broken += broken
        return
    slug = item.get("slug") or re.sub(r"[^a-z0-9]+", "-", item["name"].lower()).strip("-")
    _add(found, name, slug, *_composed(item), item=item)


def _take_pack(found: Found, name: str, pack: Located) -> None:
    """A pack names its standards, or has them in it."""
    slug = str(pack.get("slug") or "")[:100]
    for one in pack["standards"]:
        if isinstance(one, Located):
            if one.get("slug"):
                found.packs[str(one["slug"])] = slug
            _take_item(found, name, one)
        elif isinstance(one, str):
            found.packs[one] = slug
        else:
            found.broken.append(Broken(name, pack.lines["standards"], "standards", f"{one!r} is no standard"))


def _wrong_with(name: str, item: Located) -> Iterator[Broken]:
    for key in NEEDED:
        if not item.get(key):
            yield Broken(name, item.lines.get(key, item.line), key, "is missing")
    for key in TEXTS:
        if item.get(key) and not isinstance(item[key], str):
            yield Broken(name, item.lines[key], key, "is a text")
    for key, kind in (("criteria", dict), ("params", dict), ("test_cases", list)):
        if item.get(key) is not None and not isinstance(item[key], kind):
            yield Broken(name, item.lines[key], key, "is a dictionary" if kind is dict else "is a list")


def _composed(item: Located) -> tuple[str, int]:
    """The policy's file, and at which of its lines the code begins (from 0)."""
    code = plain(item["code"])
    description = "\n".join(line.rstrip() for line in (item.get("description") or "").strip().split("\n"))
    top = f"{_docstring(description)}\n\n" if description else ""
    literals = [
        f"{literal} = {pformat(plain_value(item[key]), width=100, sort_dicts=False)}\n"
        for key, literal in LITERALS.items()
        if item.get(key)
    ]
    return f"{top}{code}\n\n{''.join(literals)}", top.count("\n")


def _docstring(text: str) -> str:
    if (
        '"""' in text
        or "\\" in text
        or text.endswith('"')
        or visible(text.replace("\n", "")) != text.replace("\n", "")
    ):
        return ascii(text)
    return f'"""{text}\n"""' if "\n" in text else f'"""{text}"""'


def _add(
    found: Found, name: str, slug: str, code: str, begins: int = 0, *, item: Located | None = None
) -> None:
    try:
        draft = read(slug, code)
    except BadPolicy as error:
        found.broken += [_placed(name, problem, code, begins, item) for problem in error.problems]
    else:
        found.standards.append(Standard(draft, name, item.line if item is not None else 1))


def _placed(name: str, problem: Problem, code: str, begins: int, item: Located | None) -> Broken:
    """Where in the file that was read a problem of the policy's file is."""
    if item is None:
        return Broken(name, problem.line, "", problem.text)
    for key, literal in LITERALS.items():
        if problem.text.startswith(literal) and key in item:
            return Broken(name, item.lines[key], key, problem.text)
    if problem.line == 0 and "slug" in problem.text and "slug" in item:
        return Broken(name, item.lines["slug"], "slug", problem.text)
    inside = problem.line - begins
    lines = plain(item["code"]).count("\n")
    where = item.blocks["code"] + inside - 1 if 0 < inside <= lines else item.lines["code"]
    return Broken(name, where, "code", problem.text)
