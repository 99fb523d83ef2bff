"""A policy's own tests, as its file has them under TESTS: checked when the file is read, so that a test that can never agree is no surprise."""

import base64
import difflib
import math
import re
from collections.abc import Collection
from typing import Any

from seatrial.control.policies.errors import BadMetadata
from seatrial.wire.expectations import CONTAINS, KEYS
from seatrial.wire.states import ResultState
from seatrial.wire.trials import BYTES, FILES, METHODS

MOST = 100  # tests of one policy
MOST_NAME = 200  # characters
PARTS = ("name", "input", "expected", "params")
FORM = (
    'A test is {"name": "says what it shows", "input": {"files": {"README.md": "text"}}, "expected": {"passed": True}}, '
    'and "params" if it needs others'
)
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
STATES = (ResultState.PASSED, ResultState.FAILED, ResultState.ERRORED, ResultState.TIMED_OUT)


def read(slug: str, literal: Any) -> list[dict[str, Any]]:
    """The tests in `literal`, as JSON can hold them. Raises BadMetadata, which says which test is wrong and how to mend it."""
    if not isinstance(literal, list | tuple):
        raise BadMetadata(f"{slug}: TESTS is {_kind(literal)}; it is a list of tests. {FORM}.")
    if len(literal) > MOST:
        raise BadMetadata(f"{slug}: TESTS has {len(literal):,} tests; a policy has at most {MOST}.")
    tests = [_test(f"{slug}: test {number}", one) for number, one in enumerate(literal, 1)]
    names = [test["name"] for test in tests]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BadMetadata(f"{slug}: two tests are called {twice!r}. Give each a name of its own.")
    return tests


def _test(where: str, literal: Any) -> dict[str, Any]:
    if not isinstance(literal, dict):
        raise BadMetadata(f"{where} is {_kind(literal)}. {FORM}.")
    _known(where, literal, PARTS, "A test has")
    name = literal.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > MOST_NAME:
        raise BadMetadata(f"{where} has no name of 1 to {MOST_NAME} characters. {FORM}.")
    where = f"{where} ({name})"
    parts = {part: literal.get(part, {}) for part in PARTS[1:]}
    for part, value in parts.items():
        if not isinstance(value, dict):
            raise BadMetadata(f"{where}: {part} is {_kind(value)}; it is a dictionary. {FORM}.")
    if not parts["expected"]:
        raise BadMetadata(
            f"{where} expects nothing, so it cannot fail. Say what the policy must answer: {', '.join(KEYS)}."
        )
    _known(f"{where}: input", parts["input"], (FILES, *sorted(METHODS)), "There is")
    _known(f"{where}: expected", parts["expected"], KEYS, "There is")
    _expected(where, parts["expected"])
    return {"name": name, "input": _input(where, parts["input"]), "expected": _json(where, parts["expected"]), "params": _json(where, parts["params"])}  # fmt: skip


def _input(where: str, given: dict[str, Any]) -> dict[str, Any]:
    files = given.get(FILES, {})
    if not isinstance(files, dict) or not all(isinstance(path, str) for path in files):
        raise BadMetadata(
            f'{where}: input.{FILES} is a dictionary of paths and texts: {{"README.md": "text"}}.'
        )
    for path, content in files.items():
        if not isinstance(content, str | bytes):
            raise BadMetadata(f"{where}: the file {path} is {_kind(content)}; it is a text, or bytes.")
    held: dict[str, Any] = _json(where, given)
    return held


def _expected(where: str, expected: dict[str, Any]) -> None:
    for key, value in expected.items():
        if not _fits(key, value):
            raise BadMetadata(f"{where}: expected.{key} is {value!r}; it is {_form(key)}.")


def _fits(key: str, value: Any) -> bool:
    match key:
        case "passed":
            return isinstance(value, bool)
        case "score":
            return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
        case "state":
            return value in STATES
        case "message":
            return isinstance(value, str) or (isinstance(value, dict) and [*value] == [CONTAINS])
        case "findings":
            return isinstance(value, list) or (isinstance(value, int) and not isinstance(value, bool))
    return isinstance(value, dict)


def _form(key: str) -> str:
    forms = {
        "passed": "True or False",
        "score": "a number from 0 to 100, or None",
        "state": f"one of {', '.join(STATES)}",
        "message": f'a text, or {{"{CONTAINS}": "a part of it"}}',
        "findings": "their number, or a list of dictionaries with what matters of each",
    }
    return forms.get(key, "a dictionary with what matters of it")


def _known(where: str, given: dict[Any, Any], known: Collection[str], there_are: str) -> None:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1)
            hint = f"Did you mean {near[0]}?" if near else f"{there_are}: {', '.join(known)}."
            raise BadMetadata(f"{where}: there is no {key!r}. {hint}")


def _json(where: str, value: Any) -> Any:
    """The value as JSON holds it: bytes as `{BYTES: ...}`, tuples as lists. Raises BadMetadata."""
    if isinstance(value, dict):
        return {_name(where, key): _json(where, inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_json(where, inner) for inner in value]
    if isinstance(value, bytes):
        return {BYTES: base64.b64encode(value).decode()}
    if isinstance(value, str) and UNSTORABLE.search(value):
        raise BadMetadata(
            f"{where}: {_kind(value)} holds NUL or half a character. For a file, write bytes: b'...'."
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise BadMetadata(f"{where}: {value} is not finite.")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise BadMetadata(
        f"{where}: {_kind(value)} cannot be a part of a test; use texts, numbers, lists, dictionaries."
    )


def _name(where: str, key: Any) -> str:
    if not isinstance(key, str) or UNSTORABLE.search(key):
        raise BadMetadata(f"{where}: a dictionary's keys are texts without NUL, not {_kind(key)}.")
    return key


def _kind(value: Any) -> str:
    return f"{value!r}"[:60]
