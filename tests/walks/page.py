"""The code blocks of our pages, and who types each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What an operator follows. Every block has a comment before it that says who types it, or why nobody does.
PAGES = [
    "README.md",
    "docs/operations.md",
    *(f"docs/install/{name}.md" for name in ("README", "airgapped", "compose", "fleet", "one-host")),
]
FENCE = re.compile(r"(?P<indent> *)```(?P<language>\w*)$")
COMMENT = re.compile(r" *<!-- (?P<said>.*) -->$")
BY_A_WALK, BY_TESTS, BY_NOBODY = "typed by the walk ", "typed by the tests ", "not typed: "


@dataclass(frozen=True)
class Block:
    """`said` is the comment before it."""

    page: str
    line: int
    language: str
    text: str
    said: str

    def __str__(self) -> str:
        return f"{self.page}, line {self.line}"


def blocks(page: str) -> Iterator[Block]:
    """Every code block of a page."""
    lines = (ROOT / page).read_text().splitlines()
    at = 0
    while at < len(lines):
        if not (fence := FENCE.match(lines[at])):
            at += 1
            continue
        began, indent = at, fence["indent"]
        end = lines.index(f"{indent}```", began + 1)
        comment = COMMENT.match(lines[began - 1])
        text = "".join(line.removeprefix(indent) + "\n" for line in lines[began + 1 : end])
        yield Block(page, began + 1, fence["language"], text, comment["said"] if comment else "")
        at = end + 1


@dataclass
class Page:
    """The blocks of a page that a walk types: each is asked for by words of it, and `untyped` has those that nobody asked for."""

    name: str
    walk: str
    asked: set[Block] = field(default_factory=set)

    def __getitem__(self, words: str) -> str:
        return self._found(words, [one for one in self._mine if words in one.text])

    def exactly(self, text: str) -> str:
        """The block with this text and no more."""
        return self._found(text, [one for one in self._mine if one.text == text])

    def _found(self, words: str, found: list[Block]) -> str:
        assert len(found) == 1, (
            f"{self.name} has {len(found)} blocks with {words!r} that the walk {self.walk} types"
        )
        self.asked.add(found[0])
        return found[0].text

    @property
    def _mine(self) -> list[Block]:
        return [one for one in blocks(self.name) if one.said == f"{BY_A_WALK}{self.walk}"]

    @property
    def untyped(self) -> list[str]:
        """Where those are that nobody asked for."""
        return [str(one) for one in self._mine if one not in self.asked]
