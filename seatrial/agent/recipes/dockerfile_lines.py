"""Splits a Dockerfile into instructions as docker does, in one pass, so that a hostile file takes no longer than others."""

import re
from collections.abc import Iterator, Sequence

ESCAPE = re.compile(r"#\s*escape\s*=\s*([\\`])", re.IGNORECASE)
DIRECTIVE = re.compile(r"#\s*\w+\s*=")
HEREDOC = re.compile(r"(?:^|\s)\d*<<(-?)([\"']?)([A-Za-z_][\w.-]*)\2(?=\s|$)")
WITH_HEREDOC = {"RUN", "COPY", "ADD"}


def lines_of(text: str) -> list[str]:
    """The lines with their ends. Only a line feed ends one: what else Python takes for an end is part of the line."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def instructions(raw: bytes) -> Iterator[tuple[int, str, str]]:
    """(line number, KEYWORD, the rest) of each instruction: lines joined, comments and heredoc bodies left out."""
    lines = [line.rstrip("\r\n") for line in lines_of(raw.decode("utf-8-sig", errors="replace"))]
    ends = {line.lstrip("\t"): number for number, line in enumerate(lines)}
    continued = re.compile(re.escape(escape_of(lines)) + r"[ \t]*$")
    number = 0
    while number < len(lines):
        began, text, number = joined(lines, number, continued)
        keyword, _, rest = text.strip().partition(" ")
        if "\t" in keyword:
            keyword, _, rest = text.strip().partition("\t")
        if not keyword:
            continue
        yield began + 1, keyword.upper(), rest.strip()
        if keyword.upper() in WITH_HEREDOC and "<<" in rest:
            number = after_bodies(rest, lines, number, ends)


def escape_of(lines: Sequence[str]) -> str:
    """The character that continues a line, which a directive at the top may change."""
    for line in lines:
        if not DIRECTIVE.match(line.strip()):
            break
        if directive := ESCAPE.match(line.strip()):
            return directive[1]
    return "\\"


def joined(lines: Sequence[str], number: int, continued: re.Pattern[str]) -> tuple[int, str, int]:
    """(where it began, one logical line, where the next begins). Comments and empty lines inside are dropped."""
    parts: list[str] = []
    began = number
    while number < len(lines):
        line = lines[number]
        number += 1
        if not line.strip() or line.lstrip().startswith("#"):
            if parts:
                continue
            return began, "", number
        whole = continued.sub("", line)
        parts.append(whole)
        if whole == line:
            break
    return began, "".join(parts), number


def after_bodies(text: str, lines: Sequence[str], number: int, ends: dict[str, int]) -> int:
    """The line after the bodies of every heredoc that `text` opens; an unclosed one is not treated as a heredoc."""
    for tabs, _, name in HEREDOC.findall(text):
        if ends.get(name, -1) < number:
            continue
        while number < len(lines) and (lines[number].lstrip("\t") if tabs else lines[number]) != name:
            number += 1
        number += 1
    return number
