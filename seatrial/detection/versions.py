"""Which version of a language: as the files say it, or the first of ours that they allow."""

import re
from collections.abc import Sequence

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from seatrial.detection.files import Files

EXACT = r"\d{1,3}(?:\.\d{1,3}){0,2}"
PYTHONS = ("3.13", "3.14", "3.12", "3.11", "3.10", "3.9")  # what we take first, first
NODES = ("24", "22", "20", "18", "16")
PHPS = ("8.4", "8.3", "8.2", "8.1", "8.0", "7.4")
JAVAS = ("21", "25", "17", "11", "8")
GO, RUBY = "1.25", "3.4"
LTS = {"krypton": "24", "jod": "22", "iron": "20", "hydrogen": "18", "gallium": "16"}
COMPARISON = re.compile(r"(>=|<=|>|<|\^|~>|~|=|==)?\s*v?(\d{1,4}(?:\.(?:\d{1,4}|x|X|\*)){0,2})")


def tool(files: Files, name: str, *own: str) -> tuple[str, str]:
    """(version, file that says it): of the `own` files, which hold nothing else, or of .tool-versions; both may be empty."""
    for file in own:
        if exact := files.said(file, rf"^[ \t]*(?:v|{name}-)?({EXACT})[ \t\r]*$"):
            return exact, file
    exact = files.said(".tool-versions", rf"^{name}[ \t]+(?:[a-z]+-)?({EXACT})(?!\w)")
    return exact, ".tool-versions" if exact else ""


def python_within(specifier: str) -> str:
    """The Python that `requires-python` allows; nothing if it allows none of ours, or is no specifier."""
    specifier = re.sub(
        r"\^\s*(\d+)(\.\d+)?", lambda m: f">={m[0][1:].strip()},<{int(m[1]) + 1}", specifier[:200]
    )
    try:
        allowed = SpecifierSet(specifier)
    except InvalidSpecifier:
        return ""
    return next((one for one in PYTHONS if allowed.contains(f"{one}.99")), "")


def within(allowed: str, known: Sequence[str]) -> str:
    """The first of `known` in a range as npm and Composer write them; nothing if there is none, or it is no range."""
    return next((one for one in known if fits(one, allowed[:200])), "")


def fits(version: str, allowed: str) -> bool:
    """Whether the newest release of `version` lies in one of the ranges between `||`."""
    mine = numbers(version)
    spans = re.sub(r"(\S+)\s+-\s+(\S+)", r">=\1 <=\2", allowed)
    for span in re.split(r"\|\|?", spans):
        if span.strip() in {"*", "x", "latest"}:
            return True
        found = COMPARISON.findall(span)
        if found and all(compared(mine, how, numbers(wanted), wanted) for how, wanted in found):
            return True
    return False


def compared(mine: tuple[int, ...], how: str, wanted: tuple[int, ...], written: str) -> bool:
    """Whether the newest release of `mine` compares so with `wanted`."""
    near = wanted[: len(mine)]
    if how in {">=", ">"}:
        return mine >= near
    if how == "<":
        return mine < near
    if how == "<=":
        return mine <= near
    if how == "^" or (how in {"~", "~>"} and len(written.split(".")) < 3):
        return mine[0] == wanted[0] and mine >= near
    return mine[: len(near)] == near


def numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version, up to a wildcard."""
    return tuple(int(part) for part in re.match(r"[\d.]*\d", version)[0].split("."))  # type: ignore[index]
