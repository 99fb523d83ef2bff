"""How an evaluation looks, on any page."""

from datetime import datetime
from typing import Any

from django import template

from seatrial.control.dashboard.states import Face, Tone, face
from seatrial.control.policies.models import Evaluation, Result
from seatrial.control.policies.waits import wait
from seatrial.wire.states import EvaluationState

register = template.Library()


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
