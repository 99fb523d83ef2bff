"""What a Dockerfile says of its image and no step depends on (EXPOSE, ENTRYPOINT, CMD) is left out of the build and written into the finished
image's configuration: a builder that keeps layers makes an image after every instruction, which takes longer than all else about these.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.agent.recipes.dockerfile_lines import instructions, lines_of

PORT = re.compile(r"([1-9]\d{0,4})(?:/(tcp|udp))?")
MAKES_LAYERS = {"RUN", "COPY", "ADD"}
COMMANDS = {"CMD", "ENTRYPOINT"}
Part = tuple[
    int, int, str, str
]  # of a Dockerfile: an instruction's first line, the line after it, its keyword, its text


@dataclass(frozen=True)
class Declared:
    """What was left out; None where the Dockerfile does not say it, or says it in a form that the builder has to read."""

    ports: Sequence[str] = ()
    entrypoint: Sequence[str] | None = None
    command: Sequence[str] | None = None

    def within(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """An image's `config` that says this as well. An ENTRYPOINT takes away the CMD of a base image, as everywhere."""
        inner = dict(config)
        if self.ports:
            inner["ExposedPorts"] = {**(inner.get("ExposedPorts") or {}), **{port: {} for port in self.ports}}
        if self.entrypoint is not None:
            inner |= {"Entrypoint": list(self.entrypoint), "Cmd": None}
        if self.command is not None:
            inner["Cmd"] = list(self.command)
        return inner


def left_out(raw: bytes) -> tuple[bytes, Declared]:
    """The Dockerfile without what its last stage declares, and that; unchanged where nothing would be left to build. The base image has no
    ONBUILD, which may declare as much."""
    parts = parts_of(raw)
    begins = [number for number, (_, _, keyword, _) in enumerate(parts) if keyword == "FROM"]
    stage = parts[begins[-1] + 1 :] if begins else []
    if not MAKES_LAYERS & {keyword for _, _, keyword, _ in stage}:
        return raw, Declared()
    ports = [(part, found) for part in stage if part[2] == "EXPOSE" and (found := ports_of(part[3]))]
    commands = [(part, words_of(part[3])) for part in stage if part[2] in COMMANDS]
    if any(words is None for _, words in commands):
        commands = []
    said = {part[2]: words for part, words in commands}
    gone = {line for part, _ in [*ports, *commands] for line in range(part[0], part[1])}
    numbers = tuple(port for _, found in ports for port in found)
    declared = Declared(numbers, said.get("ENTRYPOINT"), said.get("CMD"))
    return without(raw, gone), declared


def parts_of(raw: bytes) -> list[Part]:
    """The instructions of a Dockerfile, each with its lines."""
    parsed = list(instructions(raw))
    ends = [*(number for number, _, _ in parsed[1:]), len(lines_of(raw.decode(errors="surrogateescape"))) + 1]
    return [(number, end, keyword, text) for (number, keyword, text), end in zip(parsed, ends, strict=True)]


def ports_of(text: str) -> list[str]:
    """The ports of an EXPOSE, as an image's configuration writes them; none if one of them is more than a number."""
    found = [PORT.fullmatch(word) for word in text.split()]
    return (
        [f"{one[1]}/{one[2] or 'tcp'}" for one in found if one and int(one[1]) < 65536] if all(found) else []
    )


def words_of(text: str) -> list[str] | None:
    """The words of a CMD or ENTRYPOINT in the JSON form; None of one for a shell."""
    try:
        words = json.loads(text)
    except ValueError:
        return None
    return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else None


def without(raw: bytes, gone: Collection[int]) -> bytes:
    """The lines that are not `gone`; the first is 1."""
    lines = lines_of(raw.decode(errors="surrogateescape"))
    kept = [line for number, line in enumerate(lines, 1) if number not in gone]
    return "".join(kept).encode(errors="surrogateescape") if gone else raw
