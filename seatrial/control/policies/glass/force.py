"""Which broken glass is in force, and what an evaluation's verdict is with it."""

from django.db.models import QuerySet
from django.utils import timezone

from seatrial.control.policies.models import BrokenGlass, Evaluation
from seatrial.control.policies.weighing import behind_glass
from seatrial.wire.states import EvaluationState


def in_force(evaluation: Evaluation) -> QuerySet[BrokenGlass]:
    """What lets the commit of the evaluation pass now."""
    rows = BrokenGlass.objects.filter(project=evaluation.project_id, commit=evaluation.commit, ended_at=None)
    return rows.filter(expires_at__gt=timezone.now())


def settle(evaluation: Evaluation, state: EvaluationState) -> None:
    """Set its verdict: `state`, which is what its policies say, or that it passes because glass is broken. The caller has locked
    the evaluation's row, and saves it.
    """
    glass = in_force(evaluation).order_by("-id").first()
    evaluation.state, evaluation.beneath = behind_glass(state, broken=glass is not None)
    evaluation.glass = glass if evaluation.beneath else None
