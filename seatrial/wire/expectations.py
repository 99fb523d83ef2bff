"""Compares what a policy said with what its test expects, key by key."""

from typing import Any

from seatrial.wire.envelope import Part
from seatrial.wire.evaluations import PolicyResult
from seatrial.wire.states import ResultState

CONTAINS = "contains"
KEYS = ("passed", "score", "state", "message", "findings", "details")
JUDGED = (ResultState.PASSED, ResultState.FAILED)


class Difference(Part):
    """One key in which a result is not what the test expects; both sides as people read them."""

    key: str
    expected: Any
    said: Any


def differences(expected: dict[str, Any], result: PolicyResult) -> list[Difference]:
    """Where `result` is not what is `expected`, in the order of the keys; empty if it is.

    A result that is neither passed nor failed agrees only with a test that expects its state: an error is no failure. `message` is
    compared whole, or as `{"contains": text}`; `details` and each finding by the keys that are given; `findings` may be their number.
    """
    if result.state not in JUDGED and "state" not in expected:
        return [Difference(key="state", expected=_wanted(expected), said=f"{result.state}: {result.message}")]
    said = said_of(result)
    return [
        Difference(key=key, expected=wanted, said=_shown(key, wanted, said.get(key)))
        for key, wanted in expected.items()
        if not agrees(key, wanted, said.get(key))
    ]


def said_of(result: PolicyResult) -> dict[str, Any]:
    """What a result has to be compared with, by key."""
    return {
        "passed": result.state == ResultState.PASSED if result.state in JUDGED else None,
        "score": result.score,
        "state": str(result.state),
        "message": result.message,
        "findings": [one.model_dump(mode="json") for one in result.findings],
        "details": result.details,
    }


def agrees(key: str, wanted: Any, said: Any) -> bool:
    """Whether what was `said` under `key` is what is `wanted`."""
    if key == "message" and isinstance(wanted, dict):
        return isinstance(said, str) and str(wanted.get(CONTAINS, "")) in said
    if key == "findings":
        if isinstance(wanted, int):
            return len(said) == wanted
        return len(said) == len(wanted) and all(map(_within, wanted, said))
    if key == "details":
        return _within(wanted, said)
    return bool(wanted == said)


def _within(wanted: Any, said: Any) -> bool:
    """Whether every key that is wanted has that value."""
    if not isinstance(wanted, dict) or not isinstance(said, dict):
        return bool(wanted == said)
    return all(key in said and said[key] == value for key, value in wanted.items())


def _shown(key: str, wanted: Any, said: Any) -> Any:
    """Only what differs of a long value."""
    if key == "findings" and isinstance(wanted, int):
        return len(said)
    if key == "details" and isinstance(wanted, dict) and isinstance(said, dict):
        return {name: said.get(name) for name in wanted if said.get(name) != wanted[name]}
    return said


def _wanted(expected: dict[str, Any]) -> str:
    return (
        "passed"
        if expected.get("passed") is True
        else "failed"
        if "passed" in expected
        else "passed or failed"
    )
