"""How an evaluation looks, on any page."""

from typing import Any

from django import template

from seatrial.control.dashboard.states import Face, face
from seatrial.control.policies.models import Evaluation
from seatrial.wire.states import EvaluationState

register = template.Library()


@register.filter
def evaluation_face(evaluation: Evaluation) -> Face:
    """The face of its state. An evaluation that is `running` is in progress, while an environment that is, is well."""
    return face("checking" if evaluation.state == EvaluationState.RUNNING else evaluation.state)


@register.inclusion_tag("policies/parts/verdict_mark.html")
def verdict(evaluation: Evaluation) -> dict[str, Any]:
    """Its verdict in a few words."""
    return {"evaluation": evaluation, "face": evaluation_face(evaluation)}
