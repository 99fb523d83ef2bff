"""CODEOWNERS as GitHub, GitLab and Gitea read it: which patterns name whom, and who owns a path."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from seatrial.agent.sandboxes.globs import matcher
from seatrial.agent.sandboxes.questions import Unanswerable

PLACES = (
    ".github/CODEOWNERS", ".gitlab/CODEOWNERS", ".gitea/CODEOWNERS", ".forgejo/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS",
)  # fmt: skip
MOST_RULES = 5_000
SECTION = re.compile(r"\^?\[(?P<name>[^\]]+)\](?:\[\d+\])?\s*(?P<owners>.*)")
WORD = re.compile(r"(?:\\.|[^\s\\])+")  # a blank in a pattern is written with a backslash before it


@dataclass(frozen=True)
class Rule:
    """One line. Without an owner it says that nobody owns what it matches. `section` is GitLab's."""

    pattern: str
    owners: list[str]
    line: int
    section: str = ""


def rules(text: str, *, sections: bool = True) -> list[Rule]:
    """The rules of a CODEOWNERS file, in its order, at most MOST_RULES; lines that are none are left out. Only GitLab has `sections`."""
    found: list[Rule] = []
    section, usual = "", list[str]()
    for number, whole in enumerate(text.split("\n"), 1):
        line = whole.strip()
        if not line or line.startswith("#"):
            continue
        if sections and (head := SECTION.fullmatch(line)) is not None:
            section, usual = head["name"].strip().lower(), _owners(head["owners"].split())
            continue
        pattern, *owners = WORD.findall(line)
        found.append(Rule(pattern.replace("\\ ", " "), _owners(owners) or usual, number, section))
    return found[:MOST_RULES]


def owners_of(known: Sequence[Rule], path: str) -> list[str]:
    """Who owns `path`: of the last rule that matches it, in each section."""
    last = {rule.section: rule.owners for rule in known if _matches(rule.pattern, path)}
    return list(dict.fromkeys(owner for owners in last.values() for owner in owners))


def owners_by_expression(known: Sequence[Rule], path: str) -> list[str]:
    """Who owns `path` as Gitea and Forgejo say: of every rule whose expression is the whole path, or, after a !, is not."""
    matching = [rule.owners for rule in known if _is(rule.pattern, path)]
    return list(dict.fromkeys(owner for owners in matching for owner in owners))


def _is(pattern: str, path: str) -> bool:
    negative = pattern.startswith("!")
    expression = _expression(pattern.removeprefix("!"))
    if expression is None:
        return False  # the forges leave such lines out, too
    return bool(expression.fullmatch(path.encode(errors="replace").decode())) is not negative


@lru_cache(maxsize=1000)
def _expression(pattern: str) -> Any:
    """Read by RE2, as Go's: in linear time."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError):
        return None


def _matches(pattern: str, path: str) -> bool:
    # `docs/*` is what is directly in docs, and nothing below.
    patterns = (pattern, f"!{pattern}/**") if pattern.endswith("/*") else (pattern,)
    try:
        return matcher(patterns)(path)
    except Unanswerable:
        return False  # the forges leave such lines out, too


def _owners(words: Sequence[str]) -> list[str]:
    before = next((at for at, word in enumerate(words) if word.startswith("#")), len(words))
    return [word for word in words[:before] if "@" in word]
