"""Findings: what a policy may return, what is kept of it, and by what each is known at the next commit."""

from typing import Any

import pytest

from seatrial.agent.sandboxes.fingerprints import with_fingerprints
from seatrial.agent.sandboxes.outcome import Ending, Outcome
from seatrial.agent.sandboxes.validation import MAX_TOGETHER, fitting, judge
from seatrial.wire.evaluations import MAX_FINDINGS, Finding, PolicyResult
from seatrial.wire.states import ResultState, Severity
from tests.sandboxes.conftest import Bench, policy

FIX = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"


def judged(**returned: Any) -> PolicyResult:
    said = {"returned": {"passed": False, **returned}}
    return judge(policy("x"), Outcome(how=Ending.FINISHED, said=said))


def test_findings_are_kept_as_they_were_returned() -> None:
    whole = {
        "path": "a.py", "line": 3, "message": "a token", "severity": "high", "fingerprint": "f", "fix": FIX,
        "quote": False,
    }  # fmt: skip
    result = judged(
        findings=[whole, {"message": "no licence"}, {"file": "b", "message": "m"}], findings_left_out=4
    )
    assert result.state is ResultState.FAILED, result.message
    assert result.findings[0] == Finding(**whole)
    assert result.findings[1:] == [Finding(message="no licence"), Finding(path="b", message="m")]
    assert result.findings_left_out == 4 and result.findings[1].severity is Severity.MEDIUM


@pytest.mark.parametrize(
    ("finding", "why"),
    [
        ("a.py:3", "'findings[0]' is str 'a.py:3'; it is a dictionary with path, line"),
        ({"path": "a"}, "'findings[0]' has no message"),
        ({"path": "a", "message": "m", "line": 0}, "'findings[0].line' is int 0; lines are numbers from 1"),
        ({"path": "a", "message": "m", "line": True}, "'findings[0].line' is bool True"),
        ({"path": "a", "message": "m", "line": "3"}, "'findings[0].line' is str '3'"),
        ({"message": "m", "line": 3}, "'findings[0]' has a line and no path"),
        ({"path": 3, "message": "m"}, "'findings[0].path' is int 3; it is text"),
        ({"message": "m", "severity": "bad"}, "it is one of info, low, medium, high, critical"),
        ({"message": "m", "severity": ["low"]}, "'findings[0].severity' is list"),
        ({"message": "m", "sevrity": "low"}, "has a key 'sevrity'; did you mean 'severity'?"),
        ({"path": "a", "message": "m", "fix": "sed -i s/a/b/ a"}, "'findings[0].fix' is no unified diff"),
        ({"message": "m", "fix": FIX}, "'findings[0]' has a fix and no path"),
        ({"message": "m", "fingerprint": "f" * 201}, "has 201 characters; at most 200 are kept"),
    ],
)
def test_a_finding_of_another_shape_is_an_error_that_says_what_is_wrong(finding: Any, why: str) -> None:
    result = judged(findings=[finding])
    assert result.state is ResultState.ERRORED and why in result.message, result.message


@pytest.mark.parametrize("fields", [{"findings": {}}, {"findings_left_out": -1}, {"findings_left_out": "2"}])
def test_so_is_what_is_no_list_or_no_number(fields: dict[str, Any]) -> None:
    assert judged(**fields).state is ResultState.ERRORED


def test_findings_in_the_details_are_moved_whatever_they_are() -> None:
    details = {
        "files": 3,
        "findings": [
            {"file": "a", "line": 3, "kind": "token"},
            {"line": 9},
            "text",
            {"path": "b", "line": "x"},
        ],
        "findings_left_out": True,
    }
    result = judged(details=details, findings=[{"message": "first"}])
    assert result.details == {"files": 3} and result.findings_left_out == 1
    assert [(one.path, one.line, one.message) for one in result.findings] == [
        ("", None, "first"), ("a", 3, "kind: token"), ("", None, ""), ("", None, "text"), ("b", None, ""),
    ]  # fmt: skip
    assert judged(details={"findings": ["a", "b"]}).details == {"findings": ["a", "b"]}, "its own affair"


def test_what_is_more_than_a_result_may_carry_is_counted() -> None:
    result = judged(findings=[{"message": "m"}] * (MAX_FINDINGS + 5), findings_left_out=2)
    assert len(result.findings) == MAX_FINDINGS and result.findings_left_out == 7
    wide = judged(findings=[{"message": "m" * 1_900}] * 400)
    assert 100 < len(wide.findings) < 200 and len(wide.findings) + wide.findings_left_out == 400


def test_results_with_many_findings_travel_together() -> None:
    whole = judged(findings=[{"path": "p" * 100, "message": "m" * 100}] * MAX_FINDINGS)
    results = fitting([whole] * 12)
    assert sum(len(one.model_dump_json()) for one in results) <= MAX_TOGETHER
    assert all(len(one.findings) + one.findings_left_out == MAX_FINDINGS for one in results)
    assert any(one.findings_left_out for one in results) and all(one.findings for one in results)


def test_a_fingerprint_survives_moving_lines_and_tells_equal_lines_apart() -> None:
    found = [Finding(path="a", line=line, message="m") for line in (4, 2)]
    before = with_fingerprints("p", found, {("a", 2): "x =  1", ("a", 4): " x = 1"})
    moved = [Finding(path="a", line=line, message="now else") for line in (12, 14)]
    after = with_fingerprints("p", moved, {("a", 12): "\tx = 1", ("a", 14): "x = 1"})
    assert [one.fingerprint for one in reversed(before)] == [one.fingerprint for one in after]
    assert len({one.fingerprint for one in after}) == 2
    changed = with_fingerprints("p", moved, {("a", 12): "x = 2", ("a", 14): "x = 1"})
    assert changed[1].fingerprint == after[0].fingerprint != changed[0].fingerprint
    assert (
        with_fingerprints("other", moved, {})[0].fingerprint
        != with_fingerprints("p", moved, {})[0].fingerprint
    )
    given = [Finding(message="m", fingerprint="f")]
    assert with_fingerprints("p", given, {}) == given


async def test_the_line_that_a_finding_names_is_part_of_what_is_remembered(processes: Bench) -> None:
    code = "def evaluate(project): return {'passed': False, 'findings': [{'path': 'a', 'line': 2, 'message': 'm'}]}"
    processes.repository.commit({"a": "1\x0c\u2028\n2\n3\n"})
    [first] = await processes.run(policy(code))
    [again] = await processes.run(policy(code))
    processes.repository.commit({"a": "1\n2\n"})
    [moved] = await processes.run(policy(code))
    processes.repository.commit({"a": "1\n3\n"})
    [changed] = await processes.run(policy(code))
    assert again.memoised and not moved.memoised and not changed.memoised
    assert first.findings == again.findings
    assert first.findings[0].fingerprint == moved.findings[0].fingerprint
    assert changed.findings[0].fingerprint != first.findings[0].fingerprint
