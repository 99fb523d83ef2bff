"""Ruby: what a Gemfile says in so many words. It is a program; names that it computes are not read."""

import re

from seatrial.agent.sandboxes.documents.manifests.shape import Found

LONGEST = 2_000  # characters of a line
GEM = re.compile(r"""^\s*gem[\s(]+["']([\w.-]+)["']((?:\s*,\s*["'][^"'\n]*["'])*)\s*(?:,\s*(.*))?""")
ELSEWHERE = re.compile(r"\b(git|github|gitlab|path)[\"']?\s*(:|=>)")
GROUP = re.compile(r"^\s*group[\s(]+([^\s(].*?)\)?\s+do\b")
LOCKED = re.compile(r"^    ([\w.-]+) \(([^)\n]+)\)", re.MULTILINE)


def gemfile(_path: str, text: str) -> Found:
    """Each `gem`, with the group that it stands in."""
    found, group = Found(), "main"
    for number, whole in enumerate(text.split("\n"), 1):
        line = whole[:LONGEST]
        if begun := GROUP.match(line):
            group = " ".join(re.findall(r"\w+", begun[1]))
        elif re.match(r"^end\b", line):
            group = "main"
        elif gem := GEM.match(line):
            versions = ", ".join(re.findall(r"""["']([^"']*)["']""", gem[2]))
            rest = (gem[3] or "").strip()
            found.add(gem[1], rest if ELSEWHERE.search(rest) else versions or rest, group, number)
        elif re.match(r"^\s*gem\b[\s(]", line):
            found.wrong(number, "the gem's name is not written in the file")
    return found


def locked(text: str) -> dict[str, set[str]]:
    """The versions of each gem in Gemfile.lock."""
    found: dict[str, set[str]] = {}
    for match in LOCKED.finditer(text):
        found.setdefault(match[1], set()).add(match[2])
    return found
