"""What a policy found, one by one, as results hold it."""

from collections.abc import Iterable
from typing import Any

from seatrial.control.policies.models import Result
from seatrial.wire.evaluations import Finding


def findings_of(result: Result) -> list[Finding]:
    """The findings of a result, in the order in which its policy named them."""
    return parsed(result.findings)


def parsed(rows: Iterable[dict[str, Any]]) -> list[Finding]:
    """`Result.findings` as values."""
    return [Finding.model_validate(row) for row in rows]


def all_of(result: Result) -> list[Finding]:
    """Its findings where they are all that the policy found; none where some are left out. It is believed unless somebody said so."""
    return [] if result.findings_left_out else findings_of(result)


def place(finding: Finding) -> str:
    """`path:line`, as far as the finding says; empty if it is about no file."""
    return f"{finding.path}:{finding.line}" if finding.line else finding.path
