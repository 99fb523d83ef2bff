"""Finds out which tests need a real part (engine, database, bus, ingress, browser), so that nobody has to mark them by hand.

A test needs one when it carries the part's marker, when it uses a fixture that starts one, or when it or one of its
fixtures asks `tests.engines` for one. The markers of parts are added here to what uses their fixtures.
"""

from collections.abc import Iterator
from types import CodeType, FunctionType

import pytest

PARTS = ("postgres", "nats", "docker", "gvisor", "traefik", "chromium", "e2e")
# Fixtures of plugins and of ours that start a part, and the part.
STARTS = {"postgres": "postgres", "django_db_setup": "postgres", "db": "postgres", "transactional_db": "postgres",
          "nats_server": "nats", "platform": "e2e"}  # fmt: skip
ASKS = {"require", "missing"}  # of tests.engines


def needed(item: pytest.Item) -> set[str]:
    """The parts that the test needs; "other" for a part that only its code names."""
    parts = {name for name in PARTS if item.get_closest_marker(name)}
    parts |= {"postgres"} if item.get_closest_marker("django_db") else set()
    parts |= {STARTS[name] for name in getattr(item, "fixturenames", ()) if name in STARTS}
    parts |= {"slow"} if item.get_closest_marker("slow") else set()
    return parts | ({"other"} if any(ASKS & names for names in _names(item)) else set())


def _names(item: pytest.Item) -> Iterator[set[str]]:
    """What the test and each of its fixtures mention."""
    info = getattr(item, "_fixtureinfo", None)
    fixtures = [definitions[-1].func for definitions in info.name2fixturedefs.values()] if info else []
    for function in [getattr(item, "function", None), *fixtures]:
        code = getattr(function, "__wrapped__", function)
        if isinstance(code, FunctionType):
            yield set(_mentioned(code.__code__))


def _mentioned(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _mentioned(constant)


def mark(items: list[pytest.Item]) -> None:
    """Give every test the markers of the parts it uses: `-m "not docker"` then means what it says."""
    for item in items:
        for part in needed(item) & set(PARTS):
            item.add_marker(part)


def without(items: list[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """(tests that need no real part, the rest)."""
    pure = [item for item in items if not needed(item)]
    kept = set(map(id, pure))
    return pure, [item for item in items if id(item) not in kept]
