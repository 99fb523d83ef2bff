"""The tools there are: what each is given, how it is called, and how its words are read.

Their versions are pinned in `requirements/base.in`, too; a test compares them.
"""

import difflib
from collections.abc import Callable, Collection
from dataclasses import dataclass

from seatrial.agent.sandboxes.facts import kingfisher, zizmor
from seatrial.agent.sandboxes.facts.fact import Fact, Ran
from seatrial.agent.sandboxes.facts.readers import READERS, Reader
from seatrial.agent.sandboxes.questions import Unanswerable

KEPT = "{kept}"  # in an argument: the folder of what the tool works out once for all commits


@dataclass(frozen=True)
class Tool:
    """One tool. `read` makes a fact of how it ended on these files; it raises ValueError for what it does not understand."""

    name: str  # what policies ask for, and the program's
    package: str  # on PyPI
    version: str
    arguments: tuple[str, ...]  # it is called in the folder of the files
    read: Callable[[str, Ran, Collection[str]], Fact]
    looks_at: tuple[str, ...] = ()  # patterns as in .gitignore; empty: all files
    keeps: bool = False  # whether it works something out once for all commits

    @property
    def known_by(self) -> str:
        """What its answers depend on beside the files."""
        return f"{self.name} {self.version} {' '.join(self.arguments)}"


TOOLS = {
    tool.name: tool
    for tool in (
        Tool("zizmor", "zizmor", "1.32.0", zizmor.ARGUMENTS, zizmor.read, zizmor.LOOKS_AT),
        Tool("kingfisher", "kingfisher-bin", "2.14.0", kingfisher.ARGUMENTS, kingfisher.read, keeps=True),
    )
}


FACTS: dict[str, Tool | Reader] = {**TOOLS, **READERS}


def source_of(name: str) -> Tool | Reader:
    """What gives the fact of this name. Raises Unanswerable."""
    if name in FACTS:
        return FACTS[name]
    meant = difflib.get_close_matches(name, FACTS, n=1)
    hint = f"did you mean {meant[0]}?" if meant else f"there are: {', '.join(sorted(FACTS))}"
    raise Unanswerable(f"there is no fact {name[:100]!r}; {hint}")
