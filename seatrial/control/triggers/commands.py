"""Commands in comments: which there are, and which a comment has. Plain values, no database."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

MOST_COMMANDS = 5  # per comment
MOST_CHARACTERS = 20_000  # of a comment that are read
_LINE = re.compile(
    r" {0,3}(?P<noun>/(?:preview|policy))(?:[ \t]+(?P<verb>\S+))?(?:[ \t]+(?P<rest>\S.*?))?[ \t]*\r?", re.I
)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


class Verb(StrEnum):
    """Every command, as people write it."""

    REBUILD = "/preview rebuild"
    STOP = "/preview stop"
    EXTEND = "/preview extend"
    LOGS = "/preview logs"
    APPROVE = "/preview approve"
    RERUN = "/policy rerun"
    WAIVE = "/policy waive"


MEANINGS = {
    Verb.REBUILD: "builds and starts the newest commit again, without caches",
    Verb.STOP: "stops the preview",
    Verb.EXTEND: "lets the preview live longer, by the project's time to live",
    Verb.LOGS: "replies with the last lines that the preview wrote",
    Verb.APPROVE: "lets the newest commit of a pull request from a fork have a preview; name the commit that you have read: `/preview approve 1a2b3c4`",
    Verb.RERUN: "evaluates the newest commit again",
    Verb.WAIVE: "asks that a failure be waived for a while, which somebody else decides: `/policy waive POLICY [PATH] [14d] why`",
}  # those that can be carried out
_WITH_MORE = frozenset({Verb.APPROVE, Verb.WAIVE})  # something may follow on the same line


@dataclass(frozen=True)
class Command:
    """One line. `verb` is None when there is no such command."""

    text: str
    verb: Verb | None
    rest: str = ""

    @property
    def too_much(self) -> bool:
        """Whether something follows that this command does not take."""
        return bool(self.rest) and self.verb not in _WITH_MORE


def read(body: str) -> list[Command]:
    """The commands of a comment, in their order, none twice.

    Each is on a line of its own, outside of quotations and blocks of code. A sentence that begins with `/preview` is none.
    """
    found = dict.fromkeys(_commands(body[:MOST_CHARACTERS]))
    return list(found)[:MOST_COMMANDS]


def understood(line: str) -> Command | None:
    """The command on `line`; None if it is something else."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    noun, verb, rest = match["noun"].lower(), (match["verb"] or "").lower(), match["rest"] or ""
    text = f"{noun} {verb}".strip()
    known = next((one for one in Verb if one == text), None)
    if known is None and rest:
        return None
    return Command(text, known, rest)


def _commands(body: str) -> Iterator[Command]:
    fence = ""
    for line in body.split("\n"):
        if (edge := _FENCE.match(line)) is not None:
            if not fence:
                fence = edge[1]
            elif edge[1].startswith(fence):
                fence = ""
        elif not fence and (command := understood(line)) is not None:
            yield command
