"""Our sources as syntax trees, for the tests that read code: each file is parsed once, however many of them ask."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

from seatrial.lasting import lasting

SOURCES = Path(__file__).resolve().parent.parent / "seatrial"


@functools.cache
def nodes(file: Path) -> tuple[ast.AST, ...]:
    """Every node of `file`, the module first. They stay, and without `lasting` two thirds of the time would go into garbage."""
    with lasting():
        return tuple(ast.walk(ast.parse(file.read_text())))


def files(*rooms: str) -> Iterator[Path]:
    """Every file of Python below these folders of `seatrial`, or of all of it; a room may be one file."""
    for path in [SOURCES / room for room in rooms or ("",)]:
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))
