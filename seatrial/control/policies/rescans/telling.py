"""What code hosts hear of re-scans: only what is new."""

from seatrial.control.policies.current import inspections
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.rescans.ending import ENDED, same
from seatrial.wire.states import EvaluationState


def told_as(evaluation: Evaluation) -> Evaluation:
    """The evaluation that is told in place of this one: while a re-scan runs, the one before it; and if it says what was said
    already, the one that said it first, so that nothing is told twice."""
    target = evaluation.rescan_targets.select_related("repeats").order_by("-id").first()
    if target is None:
        return evaluation
    if not EvaluationState(evaluation.state).terminal:
        before = _before(evaluation)
        return told_as(before) if before is not None else evaluation
    first = target.repeats
    return first if first is not None and same(first, evaluation) else evaluation


def _before(evaluation: Evaluation) -> Evaluation | None:
    rows = Evaluation.objects.filter(
        project=evaluation.project_id,
        commit=evaluation.commit,
        pull_request=evaluation.pull_request_id,
        id__lt=evaluation.pk,
        state__in=ENDED,
    )
    # A re-scan is of the commit itself: what live policies said of its preview is another verdict, of another name
    return inspections(rows).exclude(state=EvaluationState.SUPERSEDED).order_by("-id").first()
