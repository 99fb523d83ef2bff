"""Every documented setting is read by the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.agent.settings import Settings
from seatrial.control.configuration import Configuration
from tests.sources import nodes

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ROOT / "seatrial"
HOMES = {Configuration: "control", Settings: "agent"}


def reads(folder: Path) -> Iterator[str]:
    """Every attribute that code below `folder` reads of what is called configuration or settings, or of itself."""
    for file in folder.rglob("*.py"):
        for node in nodes(file):
            if isinstance(node, ast.Attribute) and owner(node.value) in {"configuration", "settings", "self"}:
                yield node.attr


def owner(value: ast.expr) -> str:
    """The last word of `settings.CONFIGURATION` or `self._settings`."""
    word = value.id if isinstance(value, ast.Name) else getattr(value, "attr", "")
    return str(word).strip("_").lower()


def unread(kind: type[Configuration] | type[Settings]) -> set[str]:
    return set(kind.model_fields) - set(reads(PROGRAMS / HOMES[kind]))


@pytest.mark.parametrize("kind", HOMES)
def test_every_setting_is_read(kind: type[Configuration] | type[Settings]) -> None:
    assert unread(kind) == set(), "a setting that nothing reads does nothing: use it, or take it away"


def embedded() -> set[str]:
    """The variables that the page says `seatrial up` reads."""
    page = (ROOT / "docs" / "settings.md").read_text()
    section = page.split("## Embedded")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([A-Z_]+)` \|", section, re.MULTILINE))


@pytest.mark.parametrize("name", sorted(embedded()))
def test_every_setting_of_the_embedded_platform_is_read(name: str) -> None:
    own = [file for room in ("embedded", "cli") for file in (PROGRAMS / room).rglob("*.py")]
    texts = [file.read_text() for file in (*own, *(ROOT / "scripts").iterdir()) if file.is_file()]
    literal = re.compile(rf"""["'{{$]{name}\b""")
    assert any(literal.search(text) for text in texts)


def test_the_page_names_some() -> None:
    assert "SEATRIAL_DATA_DIR" in embedded()
