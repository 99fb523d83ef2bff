"""Judges the output of a sandbox. None of it is trusted: shapes are checked, long texts are cut."""

import json
import math
from typing import Any, NamedTuple

from seatrial.agent.sandboxes.findings import (
    checked_findings,
    count_left_out,
    fitting_findings,
    in_details,
)
from seatrial.agent.sandboxes.outcome import Ending, Outcome
from seatrial.agent.sandboxes.shapes import Nonsense, clean, shown
from seatrial.agent.sandboxes.unread import COMPLETE, KEY, told
from seatrial.agent.sandboxes.unread import left_open as left_open_by
from seatrial.wire.evaluations import (
    MAX_DETAILS,
    MAX_LOG_LINES,
    MAX_MESSAGE,
    Finding,
    PolicyLog,
    PolicyResult,
    PolicyToRun,
)
from seatrial.wire.states import ResultState
from seatrial.wire.words import LogLevel

MAX_LOG_TEXT = 2_000
MAX_LOGS = 20_000  # characters of all log lines of one result
MAX_DEPTH = 20  # of details
MAX_TOGETHER = 700_000  # bytes of all results of one evaluation: they travel in one message
LEVELS = set(LogLevel) - {LogLevel.PRINT}  # what a policy may name
SIGXCPU = 24
FEW_FINDINGS = 50  # that are left of each result where all together are too long
SHAPE = (
    "evaluate() must return {'passed': bool, 'score': 0 to 100, 'message': str, 'details': dict, 'findings': list of "
    "{'path': str, 'line': int, 'message': str, 'severity': str}}"
)


class Verdict(NamedTuple):
    """What is made of a policy's run."""

    state: ResultState
    message: str
    score: float | None = None
    details: dict[str, Any] = {}  # never changed
    findings: list[Finding] = []
    left_out: int = 0


def judge(policy: PolicyToRun, outcome: Outcome) -> PolicyResult:
    """The result of one policy. Never raises, whatever `outcome` holds."""
    state, message, score, details, findings, left_out = _verdict(policy, outcome)
    return PolicyResult(
        version_id=policy.version_id,
        slug=policy.slug,
        state=state,
        score=score,
        message=clean(message, MAX_MESSAGE),
        details=details,
        findings=findings,
        findings_left_out=left_out,
        logs=_logs(outcome),
        # Without a time, it is no error of the policy's own, and does not count against it
        seconds=0.0 if outcome.failed_by_host else round(outcome.seconds, 3),
        network=outcome.network,
    )


def _verdict(policy: PolicyToRun, outcome: Outcome) -> Verdict:
    if outcome.how is Ending.TIMED_OUT or (outcome.how is Ending.VANISHED and outcome.code == -SIGXCPU):
        seconds = f"{policy.timeout_seconds:g}"
        return Verdict(ResultState.TIMED_OUT, outcome.note or f"did not end within {seconds} s")
    if outcome.how is not Ending.FINISHED:
        return Verdict(ResultState.ERRORED, outcome.note or _explained(outcome))
    return _said(policy, outcome)


def _said(policy: PolicyToRun, outcome: Outcome) -> Verdict:
    match outcome.said:
        case {"memory": True}:
            return Verdict(ResultState.ERRORED, f"used more than {policy.memory_mb} MB of memory")
        case {"raised": str(text)}:
            return Verdict(ResultState.ERRORED, text)
        case {"returned": value}:
            try:
                return _with_unread(policy, checked(value), outcome)
            except Nonsense as error:
                return Verdict(ResultState.ERRORED, f"{error}. {SHAPE}")
    return Verdict(ResultState.ERRORED, f"sent a result that cannot be read. {SHAPE}")


def _with_unread(policy: PolicyToRun, verdict: Verdict, outcome: Outcome) -> Verdict:
    left_open = left_open_by(outcome.unread) if policy.params.get(COMPLETE) is True else ""
    if left_open and verdict.state is ResultState.PASSED:
        return Verdict(ResultState.ERRORED, left_open)
    said = told(outcome.unread)
    if not said or KEY in verdict.details:
        return verdict
    return verdict._replace(details=_details({**verdict.details, KEY: said}))


def _explained(outcome: Outcome) -> str:
    match outcome.how:
        case Ending.PRINTED:
            return "printed more than 1 MB and was ended"
        case Ending.FLOODED:
            return "sent more than a policy may send and was ended"
        case Ending.VANISHED if outcome.code < 0:
            return f"ended by signal {-outcome.code} without a result"
        case Ending.VANISHED:
            return f"ended without a result (exit code {outcome.code})"
    return f"{outcome.how} and was ended"


def checked(value: Any) -> Verdict:
    """A result of the right shape. Raises Nonsense."""
    if not isinstance(value, dict):
        raise Nonsense(f"returned {shown(value)}")
    passed = value.get("passed")
    if not isinstance(passed, bool):
        raise Nonsense("'passed' is missing" if passed is None else f"'passed' is {shown(passed)}")
    score = value.get("score", 100 if passed else 0)
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise Nonsense(f"'score' is {shown(score)}")
    if not 0 <= score <= 100:  # NaN fails this check too
        raise Nonsense(f"'score' is {shown(score)}")
    message = value.get("message", "")
    if not isinstance(message, str):
        raise Nonsense(f"'message' is {shown(message)}")
    details = value.get("details") or {}
    if not isinstance(details, dict):
        raise Nonsense(f"'details' is {shown(details)}")
    state = ResultState.PASSED if passed else ResultState.FAILED
    rest, moved, left_out = in_details(
        {clean(key, MAX_DETAILS): _cleaned(inner, 1) for key, inner in details.items()}
    )
    found = fitting_findings(checked_findings(value) + moved, count_left_out(value) + left_out)
    return Verdict(state, message, float(score), _details(rest), *found)


def _details(details: dict[str, Any]) -> dict[str, Any]:
    length = len(json.dumps(details))
    if length > MAX_DETAILS:
        return {"cut": f"the details were {length:,} characters; {MAX_DETAILS:,} are kept at most"}
    return details


def _cleaned(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise Nonsense(f"'details' is nested more than {MAX_DEPTH} deep")
    if isinstance(value, str):
        return clean(value, MAX_DETAILS)
    if isinstance(value, dict):
        return {clean(key, MAX_DETAILS): _cleaned(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_cleaned(inner, depth + 1) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise Nonsense("'details' holds a number that is not finite")
    return value


def _logs(outcome: Outcome) -> list[PolicyLog]:
    lines = [
        PolicyLog(level=level if level in LEVELS else LogLevel.INFO, message=clean(text, MAX_LOG_TEXT))
        for level, text in outcome.logs
    ]
    printed = [
        PolicyLog(level=LogLevel.PRINT, message=clean(line, MAX_LOG_TEXT))
        for line in outcome.output.splitlines()
    ]
    return _shortened(lines + printed)


def _shortened(lines: list[PolicyLog]) -> list[PolicyLog]:
    kept: list[PolicyLog] = []
    left = MAX_LOGS
    for line in lines:
        left -= len(line.message)
        if left < 0 or len(kept) == MAX_LOG_LINES - 1:
            left_out = f"{len(lines) - len(kept):,} more lines are left out"
            return [*kept, PolicyLog(level=LogLevel.WARNING, message=left_out)]
        kept.append(line)
    return kept


def fitting(results: list[PolicyResult]) -> list[PolicyResult]:
    """The results, short enough to travel in one message: the bulkiest lose excerpts, then logs, details, findings."""
    for cut in (
        _without_excerpts, _without_logs, _without_details, _with_few_findings, _without_findings, _without_message,
    ):  # fmt: skip
        sizes = [len(result.model_dump_json().encode()) for result in results]
        for i in sorted(range(len(results)), key=lambda i: -sizes[i]):
            if sum(sizes) <= MAX_TOGETHER:
                return results
            results = [*results[:i], results[i].model_copy(update=cut(results[i])), *results[i + 1 :]]
            sizes[i] = len(results[i].model_dump_json().encode())
    return results


def _without_excerpts(result: PolicyResult) -> dict[str, Any]:
    return {"findings": [one.model_copy(update={"excerpt": None}) for one in result.findings]}


def _without_logs(_: PolicyResult) -> dict[str, Any]:
    return {"logs": [PolicyLog(level=LogLevel.WARNING, message="cut: all results together were too long")]}


def _without_details(_: PolicyResult) -> dict[str, Any]:
    return {"details": {"cut": "all results together were too long"}}


def _with_few_findings(result: PolicyResult, most: int = FEW_FINDINGS) -> dict[str, Any]:
    kept = result.findings[:most]
    left_out = result.findings_left_out + len(result.findings) - len(kept)
    return {"findings": kept, "findings_left_out": left_out}


def _without_findings(result: PolicyResult) -> dict[str, Any]:
    return _with_few_findings(result, 0)


def _without_message(_: PolicyResult) -> dict[str, Any]:
    return {"message": ""}
