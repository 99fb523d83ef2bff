"""Targets and re-scans end. What has ended stays as it is."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from seatrial.control.policies.models import Evaluation, Result
from seatrial.control.policies.rescans.feeding import feed, lock
from seatrial.control.policies.rescans.models import Outcome, Rescan, RescanTarget
from seatrial.wire.states import EvaluationState

ENDED = [state for state in EvaluationState if state.terminal]
SAYS = ("score", "waived", "remarks", "message", "glass_id")


def evaluation_ended(evaluation: Evaluation) -> bool:
    """Call it in the transaction that ends the evaluation, once its rows say how. True: a re-scan that said nothing new made it."""
    rows = RescanTarget.objects.select_for_update(no_key=True).filter(evaluation=evaluation, ended_at=None)
    targets = list(rows.order_by("id"))
    if not targets:
        return False
    before = said_before(evaluation)
    for target in targets:
        target.repeats = before
        target.save(update_fields=["repeats"])
        end(target, Outcome.EVALUATED)
    return before is not None


def end(target: RescanTarget, outcome: Outcome, why: str = "") -> None:
    """End one target, and the re-scan with its last one; the next begins. The caller has locked the target."""
    if target.ended_at is not None:
        return
    lock()
    target.outcome, target.why, target.ended_at = outcome, why, timezone.now()
    target.save(update_fields=["outcome", "why", "ended_at"])
    settle([target.rescan_id])
    feed()


def settle(rescans: Iterable[str]) -> None:
    """Finish those of which every target has ended."""
    still = RescanTarget.objects.filter(rescan=OuterRef("pk"), ended_at=None)
    rows = Rescan.objects.filter(~Exists(still), pk__in=list(rescans), finished_at=None)
    rows.update(finished_at=timezone.now())


@transaction.atomic
def repair() -> None:
    """End what ended without our being told (its evaluation was superseded, or deleted), finish, and feed. Idempotent."""
    rows = RescanTarget.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
    over = rows.filter(outcome=Outcome.UNDER_WAY, ended_at=None, evaluation__state__in=ENDED)
    for target in over.select_related("evaluation"):
        superseded = target.evaluation is not None and target.evaluation.state == EvaluationState.SUPERSEDED
        end(target, Outcome.OVERTAKEN if superseded else Outcome.EVALUATED)
    settle(Rescan.objects.filter(finished_at=None).values_list("pk", flat=True))
    feed()


def said_before(evaluation: Evaluation) -> Evaluation | None:
    """The evaluation of the same commit that said the same the last time, if the last one did; by what first said it."""
    rows = Evaluation.objects.filter(
        project=evaluation.project_id,
        commit=evaluation.commit,
        ref=evaluation.ref,
        event=evaluation.event,
        pull_request=evaluation.pull_request_id,
        id__lt=evaluation.pk,
        state__in=ENDED,
    )
    last = rows.exclude(state=EvaluationState.SUPERSEDED).order_by("-id").first()
    if last is None:
        return None
    known = (
        RescanTarget.objects.filter(evaluation=last).exclude(repeats=None).select_related("repeats").first()
    )
    first = known.repeats if known is not None else last
    return first if first is not None and same(first, evaluation) else None


def same(one: Evaluation, other: Evaluation) -> bool:
    """Whether both say the same to people: of what is found, and how it weighs."""
    if one.state != other.state or any(getattr(one, name) != getattr(other, name) for name in SAYS):
        return False
    return _said(one) == _said(other)


def _said(evaluation: Evaluation) -> list[object]:
    rows = Result.objects.filter(evaluation=evaluation).select_related("version__policy", "evaluation")
    said = [
        (row.version.policy.slug, row.state, row.level, row.score, row.message, row.findings)
        for row in rows.order_by("version__policy__slug")
    ]
    return list(said)
