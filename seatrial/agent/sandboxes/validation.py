"""Judges the output of a sandbox. None of it is trusted: shapes are checked, long texts are cut."""

import json
import math
import re
from typing import Any

from seatrial.agent.sandboxes.outcome import Ending, Outcome
from seatrial.wire.evaluations import (
    MAX_DETAILS,
    MAX_LOG_LINES,
    MAX_MESSAGE,
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
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
SHAPE = "evaluate() must return {'passed': bool, 'score': 0 to 100, 'message': str, 'details': dict}"


class Nonsense(Exception):
    """The result has the wrong shape; the text says how."""


def judge(policy: PolicyToRun, outcome: Outcome) -> PolicyResult:
    """The result of one policy. Never raises, whatever `outcome` holds."""
    state, message, score, details = _verdict(policy, outcome)
    return PolicyResult(
        version_id=policy.version_id,
        slug=policy.slug,
        state=state,
        score=score,
        message=clean(message, MAX_MESSAGE),
        details=details,
        logs=_logs(outcome),
        seconds=round(outcome.seconds, 3),
        network=outcome.network,
    )


Verdict = tuple[ResultState, str, float | None, dict[str, Any]]


def _verdict(policy: PolicyToRun, outcome: Outcome) -> Verdict:
    if outcome.how is Ending.TIMED_OUT or (outcome.how is Ending.VANISHED and outcome.code == -SIGXCPU):
        seconds = f"{policy.timeout_seconds:g}"
        return ResultState.TIMED_OUT, outcome.note or f"did not end within {seconds} s", None, {}
    if outcome.how is not Ending.FINISHED:
        return ResultState.ERRORED, outcome.note or _explained(outcome), None, {}
    return _said(policy, outcome)


def _said(policy: PolicyToRun, outcome: Outcome) -> Verdict:
    match outcome.said:
        case {"memory": True}:
            return ResultState.ERRORED, f"used more than {policy.memory_mb} MB of memory", None, {}
        case {"raised": str(text)}:
            return ResultState.ERRORED, text, None, {}
        case {"returned": value}:
            try:
                return checked(value)
            except Nonsense as error:
                return ResultState.ERRORED, f"{error}. {SHAPE}", None, {}
    return ResultState.ERRORED, f"sent a result that cannot be read. {SHAPE}", None, {}


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
        raise Nonsense(f"returned {_kind(value)}")
    passed = value.get("passed")
    if not isinstance(passed, bool):
        raise Nonsense("'passed' is missing" if passed is None else f"'passed' is {_kind(passed)}")
    score = value.get("score", 100 if passed else 0)
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise Nonsense(f"'score' is {_kind(score)}")
    if not 0 <= score <= 100:  # NaN fails this check too
        raise Nonsense(f"'score' is {_kind(score)}")
    message = value.get("message", "")
    if not isinstance(message, str):
        raise Nonsense(f"'message' is {_kind(message)}")
    details = value.get("details") or {}
    if not isinstance(details, dict):
        raise Nonsense(f"'details' is {_kind(details)}")
    state = ResultState.PASSED if passed else ResultState.FAILED
    return state, message, float(score), _details(details)


def _details(details: dict[str, Any]) -> dict[str, Any]:
    length = len(json.dumps(details))
    if length > MAX_DETAILS:
        return {"cut": f"the details were {length:,} characters; {MAX_DETAILS:,} are kept at most"}
    return {clean(key, MAX_DETAILS): _cleaned(inner, 1) for key, inner in details.items()}


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
    """The results, short enough to travel in one message: the bulkiest lose their logs, then their details."""
    cut: dict[str, Any] = {
        "logs": [PolicyLog(level=LogLevel.WARNING, message="cut: all results together were too long")]
    }
    for field in (cut, {"details": {"cut": "all results together were too long"}}, {"message": ""}):
        sizes = [len(result.model_dump_json().encode()) for result in results]
        for i in sorted(range(len(results)), key=lambda i: -sizes[i]):
            if sum(sizes) <= MAX_TOGETHER:
                return results
            results = [*results[:i], results[i].model_copy(update=field), *results[i + 1 :]]
            sizes[i] = len(results[i].model_dump_json().encode())
    return results


def clean(text: str, limit: int) -> str:
    """Text that a database and a page can hold: no NUL, no lone surrogates, cut at `limit` with a note."""
    text = UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    return text if len(text) <= limit else text[: limit - 8] + " … (cut)"


def _kind(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) < 80 else text[:76] + ' ...'}"
