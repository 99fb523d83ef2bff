"""Findings in the details of a result, where older policies put them: objects with `file` (or `path`) and `line`."""

from typing import Any, NamedTuple

from seatrial.wire.evaluations import Finding
from seatrial.wire.states import Severity

FINDINGS = "findings"
LEFT_OUT = "findings_left_out"
PATHS = ("file", "path")
OWN = {*PATHS, "line", "message", "severity", "fingerprint", "fix"}
SEVERITIES = {word.value for word in Severity}


class Moved(NamedTuple):
    """Details without their findings, and these."""

    details: dict[str, Any]
    findings: list[Finding]
    left_out: int


def moved(details: dict[str, Any]) -> Moved:
    """Take the findings out of `details`. Never fails: what is wrong in one of them is left out of it. Idempotent.

    A list without any object is the policy's own affair, and stays.
    """
    found = details.get(FINDINGS)
    if not isinstance(found, list) or not any(isinstance(one, dict) for one in found):
        return Moved(details, [], 0)
    rest = {key: value for key, value in details.items() if key not in (FINDINGS, LEFT_OUT)}
    return Moved(rest, [_finding(one) for one in found], _count(details.get(LEFT_OUT)))


def _finding(found: Any) -> Finding:
    if not isinstance(found, dict):
        return Finding(message=str(found))
    path = next((found[name] for name in PATHS if isinstance(found.get(name), str)), "")
    line = found.get("line")
    severity = found.get("severity")
    return Finding(
        path=path,
        line=line if path and type(line) is int and line > 0 else None,
        message=_text(found, "message") or ", ".join(_others(found)),
        severity=Severity(severity) if severity in SEVERITIES else Severity.MEDIUM,
        fingerprint=_text(found, "fingerprint"),
        fix=_text(found, "fix"),
    )


def _others(found: dict[str, Any]) -> list[str]:
    return [f"{name}: {value}" for name, value in found.items() if name not in OWN]


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int:
    """How many were left out. A policy that says so in another way has left out some."""
    return max(0, value) if type(value) is int else int(bool(value))
