"""Levels in sentences, the same for pages, forges and REST."""

from collections.abc import Iterable
from datetime import datetime

from seatrial.control.policies.models import Evaluation, Policy, Result
from seatrial.control.policies.weighing import AGAINST
from seatrial.wire.states import EvaluationState, Level

MEANING = {
    Level.DRAFT: "It runs in trials only.",
    Level.ADVISORY: "It runs, and what it says is shown and reported. It never fails a check.",
    Level.SOFT: "It fails the check. Where that does not matter, somebody asks for a waiver and somebody else approves it.",
    Level.HARD: "It fails the check, and nothing waives it.",
}


def what_fails(evaluation: Evaluation) -> str:
    """The policies that decide a verdict that is not good, in one line: `license, no-secrets errored`; empty for a good one."""
    if evaluation.state in (EvaluationState.PASSED, EvaluationState.SUPERSEDED):
        return ""
    return ", ".join(
        row.version.policy.slug if row.state == evaluation.state else f"{row.version.policy.slug} {row.state}"
        for row in _against(evaluation)
        if not row.is_remark
    )


def what_is_remarked(evaluation: Evaluation) -> str:
    """The advisory policies that did not pass, in one line; empty without any."""
    if not evaluation.remarks:
        return ""
    said = [f"{row.version.policy.slug} {row.state}" for row in _against(evaluation) if row.is_remark]
    return f"advisory: {', '.join(said)}" if said else ""


def _against(evaluation: Evaluation) -> Iterable[Result]:
    rows = evaluation.results.filter(state__in=AGAINST).select_related("version__policy", "evaluation")
    return rows.order_by("version__policy__slug")


def why_demoted(policy: Policy) -> str:
    """`It was soft until 2026-12-01: 14 of its last 20 results were errors or time-outs.`; empty if it was not demoted."""
    if not policy.demotion:
        return ""
    at = datetime.fromisoformat(policy.demotion["at"])
    return (
        f"It was {policy.demotion['from']} until {at:%Y-%m-%d %H:%M} UTC: {policy.demotion['errors']} of its last "
        f"{policy.demotion['of']} results were errors or time-outs."
    )
