"""Levels in sentences, the same for pages, forges and REST."""

from seatrial.control.policies.models import Evaluation
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
