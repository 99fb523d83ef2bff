"""The fact `dockerfile`: the Dockerfiles of a commit as the agent reads them for builds, by the same parser (ADR 63).

Build arguments have the values that the file gives them. What depends on the machine is read as on the most common one, so that
the answer is the same everywhere. Nothing is refused: what Docker would not take is an error of its file, with the line.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.agent.recipes.dockerfile import (
    FROM,
    LONGEST,
    SCRATCH,
    VARIABLE,
    assignments,
    declared,
    replaced,
    taken_from,
)
from seatrial.agent.recipes.dockerfile_lines import instructions

PATTERNS = (
    "[Dd]ockerfile", "[Dd]ockerfile[.-]*", "*.[Dd]ockerfile", "[Cc]ontainerfile", "[Cc]ontainerfile[.-]*", "*.[Cc]ontainerfile",
    *(f"!*.{ending}" for ending in (
        "dockerignore", "md", "rst", "txt", "template", "tmpl", "tpl", "j2", "jinja", "jinja2", "erb", "in", "m4", "yml", "yaml", "json",
        "toml", "py", "sh", "go", "js", "ts", "orig", "rej",
    )),
)  # fmt: skip
MOST_INSTRUCTIONS = 2_000
SIDES = ("BUILD", "TARGET")
PLATFORM = {
    f"{side}{name}": value
    for side in SIDES
    for name, value in {"PLATFORM": "linux/amd64", "OS": "linux", "ARCH": "amd64", "VARIANT": ""}.items()
}
PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?", re.IGNORECASE)
TEMPLATE = re.compile(r"\{\{|\{%|<%|\$\{[^}]*\.|@@?[A-Z_]+@")  # somebody fills it in before Docker reads it


def read(path: str, text: str) -> list[dict[str, Any]]:
    """`[{"path", "stages", "images", "user", "errors"}]`, of one file: see docs/policies.md."""
    reader = _Reader()
    for number, (line, keyword, rest) in enumerate(instructions(text.encode(errors="replace"))):
        if number == MOST_INSTRUCTIONS:
            reader.wrong(line, f"more than {MOST_INSTRUCTIONS:,} instructions; the others are not read")
            break
        reader.take(line, keyword, rest)
    if not reader.stages:
        reader.wrong(1, "no FROM line")
    last = reader.stages[-1] if reader.stages else {}
    return [
        {
            "path": path, "stages": reader.stages, "images": reader.images, "user": last.get("user"), "errors": reader.errors,
        }
    ]  # fmt: skip


@dataclass
class _Reader:
    """One file, instruction by instruction."""

    stages: list[dict[str, Any]] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    _above: dict[str, str] = field(default_factory=lambda: dict(PLATFORM))  # what FROM lines may name
    _here: dict[str, str] = field(default_factory=dict)
    _left: list[dict[str, str]] = field(default_factory=list)  # variables, at the end of each stage
    _numbers: dict[str, int] = field(default_factory=dict)  # of stages, by what they are called

    def wrong(self, line: int, message: str) -> None:
        """Something that Docker would not take."""
        self.errors.append({"line": line, "message": message})

    def take(self, line: int, keyword: str, rest: str) -> None:
        """One instruction."""
        if keyword == "FROM":
            return self._begin(line, rest)
        if not self.stages:
            return self._heed_above(line, keyword, rest)
        stage = self.stages[-1]
        stage["instructions"].append({"line": line, "instruction": keyword, "rest": rest})
        known = {**self._above, **self._here}
        for name in taken_from(keyword, self._short(rest, known)) if "from=" in rest else ():
            if not name.isdigit() and name.lower() not in {SCRATCH, *self._numbers}:
                self.images.append(image(name, line, keyword, []))
        if keyword in ("ARG", "ENV"):
            self._here |= self._values(keyword, rest)
        elif keyword == "USER":
            stage["user"] = {
                "user": self._short(rest, self._here).strip("\"' ") or rest,
                "line": line,
            }
        elif keyword == "EXPOSE":
            stage["ports"] += list(ports(self._short(rest, self._here), line))
        elif keyword == "HEALTHCHECK":
            stage["healthcheck"] = {"line": line, "none": rest.strip().upper() == "NONE"}
        return None

    def _heed_above(self, line: int, keyword: str, rest: str) -> None:
        if keyword == "ARG":
            for name, value in declared(rest):
                self._above.setdefault(name, self._short(value, self._above))
        else:
            self.wrong(line, f"{keyword[:40]} stands above the first FROM")

    def _values(self, keyword: str, rest: str) -> dict[str, str]:
        """What an ARG or ENV gives to names. An argument that has no default here has that from above the first FROM."""
        if keyword == "ENV":
            try:
                pairs = assignments(rest)
            except ValueError:  # quotes that nobody closed
                pairs = {name: value for name, _, value in (word.partition("=") for word in rest.split())}
            return {name: self._short(value, self._here) for name, value in pairs.items()}
        bare = {word: self._above[word] for word in rest.split() if word in self._above}
        return bare | {name: self._short(value, self._here) for name, value in declared(rest)}

    @staticmethod
    def _short(text: str, known: Mapping[str, str]) -> str:
        """With its variables filled in, and cut before and after: those that hold each other would fill the memory."""
        return replaced(text[:LONGEST], known)[:LONGEST]

    def _begin(self, line: int, rest: str) -> None:
        rest = rest[:LONGEST]
        unknown = [
            name
            for one in VARIABLE.finditer(rest)
            if not one[2] and not self._above.get(name := one[1] or one[4]) and name not in PLATFORM
        ]
        filled, template = self._short(rest, self._above), bool(TEMPLATE.search(rest))
        match = None if template else FROM.match(filled)
        if match is None and not template and not unknown:
            self.wrong(line, "FROM names no image")
        base, name = (
            (match[1].strip("\"'"), match[2]) if match else (rest if template or unknown else "", None)
        )
        if self.stages:
            self._left.append(self._here)
        parent = self._numbers.get(base.lower())
        self._here = dict(self._left[parent]) if parent is not None else {}
        before = (
            self.stages[parent] if parent is not None else {"user": None, "healthcheck": None, "ports": []}
        )
        self.stages.append({
            "name": name, "line": line, "base": base, "from_stage": parent, "user": before["user"], "ports": list(before["ports"]),
            "healthcheck": before["healthcheck"], "instructions": [],
        })  # fmt: skip
        if parent is None and base and base.lower() != SCRATCH:
            self.images.append(image(base, line, "FROM", unknown, template=template))
        self._numbers[(name or f"stage {len(self.stages)}").lower()] = len(self.stages) - 1


def image(
    name: str, line: int, keyword: str, unknown: list[str], *, template: bool = False
) -> dict[str, Any]:
    """An image from outside the file, and how it is pinned. `unknown`: variables in it that have a value only if a build gives one."""
    whole, _, digest = name.partition("@")
    folder, slash, last = whole.rpartition("/")
    repository, _, tag = last.partition(":")
    return {
        "line": line, "instruction": keyword, "image": name, "repository": f"{folder}{slash}{repository}", "tag": tag, "digest": digest,
        "unknown": unknown, "template": template,
    }  # fmt: skip


def ports(text: str, line: int) -> Iterator[dict[str, Any]]:
    """Those that an EXPOSE names, ranges by their ends."""
    for word in text.split():
        match = PORT.fullmatch(word.strip("\"'"))
        if match:
            first, last = int(match[1]), int(match[2] or match[1])
            yield {"port": first, "to": last, "protocol": (match[3] or "tcp").lower(), "line": line}
