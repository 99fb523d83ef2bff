"""How an evaluation looks, on any page."""

from datetime import datetime
from typing import Any

from django import template

from seatrial.control.dashboard.states import Face, Tone, face
from seatrial.control.policies import findings
from seatrial.control.policies.models import Evaluation, Result
from seatrial.control.policies.waits import wait
from seatrial.wire.evaluations import Finding
from seatrial.wire.states import EvaluationState

register = template.Library()
MOST_FINDINGS_SHOWN = 100  # of one result


@register.filter
def evaluation_face(evaluation: Evaluation) -> Face:
    """The face of an evaluation's state. `running` needs its own: for an environment, it means that all is well."""
    return face("checking" if evaluation.state == EvaluationState.RUNNING else evaluation.state)


@register.filter
def result_face(result: Result) -> Face:
    """The face of a result's state. What an advisory policy has against a commit alarms nobody."""
    usual = face(result.state)
    return Face(Tone.GONE, "info", usual.word) if result.is_remark else usual


@register.inclusion_tag("policies/parts/verdict_mark.html")
def verdict(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation's verdict in a few words."""
    return {"evaluation": evaluation, "face": evaluation_face(evaluation)}


@register.filter
def evaluation_wait(evaluation: Evaluation) -> tuple[str, datetime] | None:
    """(what it waits for, since when); None for one that is over."""
    return wait(evaluation)


@register.filter
def shown_findings(result: Result) -> list[Finding]:
    """The findings that a page has room for: the first."""
    return findings.parsed(result.findings[:MOST_FINDINGS_SHOWN])


@register.filter
def found_together(result: Result) -> int:
    """How many findings there were, kept or not."""
    return len(result.findings) + result.findings_left_out


@register.filter
def findings_not_shown(result: Result) -> int:
    """How many of them a page leaves out."""
    return found_together(result) - min(len(result.findings), MOST_FINDINGS_SHOWN)


@register.filter
def excerpt(finding: Finding) -> list[tuple[int, str, bool]]:
    """(number, text, whether it is the finding's own) of each line that is quoted."""
    if finding.excerpt is None:
        return []
    numbered = enumerate(finding.excerpt.lines, finding.excerpt.first)
    return [(number, text, number == finding.line) for number, text in numbered]


@register.filter
def place(finding: Finding) -> str:
    """Where it is, as `path:line`."""
    return findings.place(finding)
