"""Each promise of docs/security.md is shown by tests: a new item without one, or a test that is gone, fails here."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security_claims import CLAIMS

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text()


def promises(page: str) -> Iterator[str]:
    """Every list item, row and paragraph of each section, up to its `Not promised:`. Introductions, which end in a colon or
    come before the first section, and the last section promise nothing."""
    for section in page.split("\n## ")[1:-1]:
        promised = section.partition("\n")[2].split("\nNot promised:", 1)[0]
        for block in re.split(r"\n\n+|\n(?=- )|\n(?=\|)", promised):
            text = block.strip()
            if (
                text
                and not text.endswith((":", "| |", "| must not |"))
                and not text.startswith(("|---", "The sections below"))
            ):
                yield text


PROMISES = list(promises(PAGE))


@functools.cache
def names_in(file: str) -> frozenset[str]:
    """The names of the tests in a file."""
    tree = ast.parse((ROOT / file).read_text())
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(each.name for each in functions if each.name.startswith("test_"))


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise[:60])
def test_every_promise_names_its_tests(promise: str) -> None:
    entries = [start for start in CLAIMS if promise.startswith(start)]
    assert len(entries) == 1, f"give it one entry in tests/security_claims.py: {promise}"
    assert CLAIMS[entries[0]]


@pytest.mark.parametrize("start", CLAIMS)
def test_every_entry_is_about_a_promise_and_its_tests_exist(start: str) -> None:
    assert any(promise.startswith(start) for promise in PROMISES), (
        "docs/security.md does not promise it any more"
    )
    named = [test.split("::") for test in CLAIMS[start]]
    assert [(file, test) for file, test in named if test not in names_in(file)] == []


def test_an_item_that_nobody_shows_is_noticed() -> None:
    page = "intro\n## A\nPromised:\n\n- Shown.\n- New.\n\nNew too.\n\nNot promised:\n\n- x\n\n## Last\nx"
    assert list(promises(page)) == ["- Shown.", "- New.", "New too."]
