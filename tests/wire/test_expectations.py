"""What a policy said, beside what its test expects."""

from typing import Any

import pytest

from seatrial.wire.evaluations import Finding, PolicyResult
from seatrial.wire.expectations import differences
from seatrial.wire.states import ResultState

SAID: dict[str, Any] = {
    "version_id": "v",
    "slug": "p",
    "state": ResultState.FAILED,
    "score": 40.0,
    "message": "No licence at the root",
    "details": {"looked_at": 3, "more": "x"},
    "findings": [Finding(path="a.py", line=2, message="first"), Finding(path="b.py", message="second")],
}


@pytest.mark.parametrize(
    ("expected", "keys"),
    [
        ({"passed": False, "score": 40, "state": "failed"}, []),
        ({"passed": True}, ["passed"]),
        ({"score": 41, "passed": True}, ["score", "passed"]),
        ({"message": "No licence at the root"}, []),
        ({"message": "No licence"}, ["message"]),
        ({"message": {"contains": "licence"}}, []),
        ({"message": {"contains": "license"}}, ["message"]),
        ({"findings": 2}, []),
        ({"findings": 1}, ["findings"]),
        ({"findings": [{"path": "a.py", "line": 2}, {}]}, []),
        ({"findings": [{"path": "b.py"}, {}]}, ["findings"]),
        ({"findings": [{"path": "a.py"}]}, ["findings"]),
        ({"details": {"looked_at": 3}}, []),
        ({"details": {"looked_at": 4}}, ["details"]),
        ({"details": {"other": None}}, ["details"]),
    ],
)
def test_a_result_is_compared_key_by_key(expected: dict[str, Any], keys: list[str]) -> None:
    assert [one.key for one in differences(expected, PolicyResult(**SAID))] == keys


def test_an_error_is_no_failure() -> None:
    broken = PolicyResult(version_id="v", slug="p", state=ResultState.ERRORED, message="KeyError: 'a'")
    (one,) = differences({"passed": False, "score": 0}, broken)
    assert (one.key, one.expected, one.said) == ("state", "failed", "errored: KeyError: 'a'")
    assert differences({"state": "errored", "message": {"contains": "KeyError"}}, broken) == []
    assert [one.key for one in differences({"state": "errored", "passed": False}, broken)] == ["passed"]


def test_only_what_differs_of_a_long_value_is_shown() -> None:
    (one,) = differences({"details": {"looked_at": 4, "more": "x"}}, PolicyResult(**SAID))
    assert one.said == {"looked_at": 3}
    (one,) = differences({"findings": 7}, PolicyResult(**SAID))
    assert one.said == 2
