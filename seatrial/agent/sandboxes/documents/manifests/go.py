"""Go: go.mod."""

import re

from seatrial.agent.sandboxes.documents.manifests.shape import Found

REPLACED = re.compile(r"(\S+)(?:\s+v\S+)?\s+=>\s+(\S+)(?:\s+(v\S+))?")
REQUIRED = re.compile(r"(\S+)\s+(v\S+)\s*(//\s*indirect)?")


def module(_path: str, text: str) -> Found:
    """`require`, in one line or in a block; and `replace`, which puts something else in the place of one."""
    found, block = Found(), ""
    for number, line in enumerate(text.split("\n"), 1):
        words = line.strip()
        if words.startswith("module "):
            found.name = words.split()[1].strip('"')
        elif words.endswith("("):
            block = words.split()[0] if words.split() else ""
        elif words == ")":
            block = ""
        elif block == "require" or words.startswith("require "):
            _add(found, number, words.removeprefix("require ").strip())
        elif block == "replace" or words.startswith("replace "):
            _replace(found, number, words.removeprefix("replace ").strip())
    return found


def _add(found: Found, number: int, words: str) -> None:
    required = REQUIRED.match(words)
    if required:
        found.add(required[1].strip('"'), required[2], "indirect" if required[3] else "main", number)
    elif words and not words.startswith("//"):
        found.wrong(number, f"{words[:200]!r} is no module and version")


def _replace(found: Found, number: int, words: str) -> None:
    replaced = REPLACED.match(words)
    if replaced:
        spec = replaced[3] or f"path {replaced[2]}"
        found.add(replaced[1].strip('"'), spec, "replace", number, locked=None)


def locked(text: str) -> dict[str, set[str]]:
    """The versions of each module in go.sum."""
    found: dict[str, set[str]] = {}
    for words in map(str.split, text.splitlines()):
        if words:
            found.setdefault(words[0], set()).update(one.removesuffix("/go.mod") for one in words[1:2])
    return found
