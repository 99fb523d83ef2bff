"""The fact `licences`: files that hold a licence, each with the licences that its text is, by SPDX identifier.

A library compares the text with those of the SPDX list, word by word. Where that decides nothing, because somebody cut the text
short or only named it, words that give a licence away are looked for; `confidence` says which it was (ADR 63).
"""

from posixpath import basename, splitext
from typing import Any

import re2
from licenseclassifier import identify_license

from seatrial.agent.sandboxes.facts import licence_words

LIMITS_USE = re2.compile(
    r"(BUSL|SSPL|Elastic|Commons Clause|FSL|PolyForm|Confluent|RSAL|CC-BY-(\w+-)?(NC|ND)|JSON$)"
)
# By RE2, in linear time: the texts are anybody's.
SPDX = re2.compile(r"(?m)SPDX-License-Identifier:\s*([\w.+() -]+?)\s*(?:\*/|-->|$)")
PROPRIETARY = re2.compile(r"(?i)all\s+rights\s+reserved|proprietary|confidential")
WHOLE = 75.0  # percent of a text that a licence must be, for nothing else to be looked for
# What stands above the text of a licence that is somebody else's.
RESERVED = re2.compile(
    r"(?i)\b(proprietary|confidential|(may|must|shall)\s+not\s+(be\s+)?(cop(y|ied)|used?|distributed?|reproduced?|modif(y|ied)))\b"
)
SHORTEST = 100  # characters that a text has which a file's name tells about
MOST_BYTES = 200_000  # of one file: comparing takes a second per megabyte
NAMES = (
    "license",
    "licence",
    "unlicense",
    "unlicence",
    "copying",
    "copyright",
    "copyrights",
    "notice",
    "legal",
)
CODE = ("py", "js", "mjs", "cjs", "jsx", "ts", "tsx", "go", "rs", "rb", "java", "kt", "cs", "php", "sh", "json", "yaml", "yml", "toml", "xml",
        "svg", "css", "h", "c", "cc", "cpp", "hpp")  # fmt: skip


def any_case(name: str) -> str:
    """A pattern for `name`, in upper and lower case."""
    return "".join(f"[{letter.upper()}{letter}]" for letter in name)


PATTERNS = (
    *(pattern for name in map(any_case, NAMES) for pattern in (name, f"{name}[-_.]*", f"*[-_.]{name}", f"*[-_.]{name}.*")),
    f"{any_case('licenses')}/*",
    *(f"!*.{ending}" for ending in CODE),
)  # fmt: skip


def read(path: str, text: str) -> list[dict[str, Any]]:
    """`[{"path", "licences": [{"id", "line", "confidence", "limits_use"}]}]` of one file; no licences: its text is not known."""
    found = _compared(text) or _given_away(path, text)
    earliest = licence_words.earliest(text)
    if found and found[0][2] == "medium" and earliest and (above := RESERVED.search(text, 0, earliest[1])):
        found = [("proprietary", above.start(), "low"), *found]
    limit = licence_words.limited(text)
    if limit and not any(LIMITS_USE.match(name) for name, _, _ in found):
        found = [(limit[0], limit[1], "low"), *found]
    licences: dict[str, dict[str, Any]] = {}
    for name, offset, confidence in found:
        limits = bool(LIMITS_USE.match(name)) and not licence_words.several(text)
        line = text.count("\n", 0, offset) + 1
        licences.setdefault(name, {"id": name, "line": line, "confidence": confidence, "limits_use": limits})
    return [{"path": path, "licences": list(licences.values())}]


def _compared(text: str) -> list[tuple[str, int, str]]:
    """(identifier, offset, confidence) of each licence whose words are there; high: they are nearly all of the text."""
    whole = identify_license(text, WHOLE)
    found = whole or identify_license(text, 0.0)
    begins = [0 if whole and number == 0 else one.start for number, one in enumerate(found)]  # its title, too
    return [
        (
            one.id.replace("CommonsClause", "Commons Clause"),
            _begins(text, start),
            "high" if whole else "medium",
        )
        for one, start in zip(found, begins, strict=True)
    ]


def _begins(text: str, offset: int) -> int:
    """Where the text goes on behind empty lines and spaces."""
    rest = text[offset:]
    return offset + len(rest) - len(rest.lstrip())


def _given_away(path: str, text: str) -> list[tuple[str, int, str]]:
    earliest = licence_words.earliest(text)
    identifier = SPDX.search(text)
    if earliest:
        return [(*earliest, "low")]
    if identifier:
        return [(identifier[1].strip(), identifier.start(), "medium")]
    if path.startswith("LICENSES/") and len(text) > SHORTEST:  # REUSE: the file's name is the identifier
        return [(splitext(basename(path))[0], 0, "medium")]
    match = PROPRIETARY.search(text)
    return [("proprietary", match.start(), "low")] if match and not _may_hold_none(path) else []


def _may_hold_none(path: str) -> bool:
    """Whether files of that name often hold no licence."""
    return bool(re2.match(r"(?i)(copyrights?|notice|legal)\b", basename(path)))
