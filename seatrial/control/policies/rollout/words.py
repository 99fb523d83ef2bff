"""Levels in sentences, the same for pages, forges and REST."""

from datetime import datetime

from seatrial.control.policies.models import Evaluation, Policy
from seatrial.control.policies.weighing import AGAINST
from seatrial.wire.states import Level

MEANING = {
    Level.DRAFT: "It runs in trials only.",
    Level.ADVISORY: "It runs, and what it says is shown and reported. It never fails a check.",
    Level.SOFT: "It fails the check. Where that does not matter, somebody asks for a waiver and somebody else approves it.",
    Level.HARD: "It fails the check, and nothing waives it.",
}


def what_is_remarked(evaluation: Evaluation) -> str:
    """The advisory policies that did not pass, in one line; empty without any."""
    if not evaluation.remarks:
        return ""
    rows = evaluation.results.filter(state__in=AGAINST).select_related("version__policy")
    said = [
        f"{row.version.policy.slug} {row.state}"
        for row in rows.order_by("version__policy__slug")
        if row.is_remark
    ]
    return f"advisory: {', '.join(said)}" if said else ""


def why_demoted(policy: Policy) -> str:
    """`It was soft until 2026-12-01: 14 of its last 20 results were errors or time-outs.`; empty if it was not demoted."""
    if not policy.demotion:
        return ""
    at = datetime.fromisoformat(policy.demotion["at"])
    return (
        f"It was {policy.demotion['from']} until {at:%Y-%m-%d %H:%M} UTC: {policy.demotion['errors']} of its last "
        f"{policy.demotion['of']} results were errors or time-outs."
    )
