"""What is wrong in the TESTS of a policy: their shape. Whether they pass is found out in a sandbox."""

import difflib
from collections.abc import Iterator
from typing import Any

MOST_TESTS = 200
KEYS = ("name", "input", "expected", "params")
EXPECTED = ("passed", "score", "state", "message", "findings", "details")


def wrong_in_tests(value: Any) -> Iterator[str]:
    """Everything that is wrong with `value`, for people."""
    if not isinstance(value, list):
        yield 'TESTS is a list of dictionaries with "name", "input" and "expected"'
        return
    if len(value) > MOST_TESTS:
        yield f"TESTS has {len(value)} tests; at most {MOST_TESTS} are run"
    for number, test in enumerate(value[:MOST_TESTS], 1):
        yield from (f"TESTS, number {number}: {text}" for text in _wrong_in_test(test))


def _wrong_in_test(test: Any) -> Iterator[str]:
    if not isinstance(test, dict):
        yield 'a test is a dictionary with "name", "input" and "expected"'
        return
    yield from _unknown(test, KEYS)
    if not isinstance(test.get("name"), str) or not test["name"].strip():
        yield '"name" is missing: a text that says what is tested'
    for key in ("input", "params"):
        if not isinstance(test.get(key, {}), dict):
            yield f'"{key}" is a dictionary'
    expected = test.get("expected")
    if not isinstance(expected, dict) or not expected:
        yield '"expected" is missing: a dictionary, for instance {"passed": True}'
    else:
        yield from _unknown(expected, EXPECTED)


def _unknown(given: dict[Any, Any], known: tuple[str, ...]) -> Iterator[str]:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"
            yield f"there is no {key!r}{hint}"
