"""The verdict of an evaluation: what its policies said, and what of it is waived now."""

from collections.abc import Iterable

from django.db.models import QuerySet
from django.utils import timezone

from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.findings import all_of
from seatrial.control.policies.glass.force import settle
from seatrial.control.policies.models import Evaluation, Result, Waiver
from seatrial.control.policies.rollout.ratchet import new_of, note_known
from seatrial.control.policies.waivers.force import in_force, scope_of
from seatrial.control.policies.waivers.scope import covers
from seatrial.control.policies.weighing import weigh
from seatrial.wire.evaluations import PolicyResult
from seatrial.wire.states import EvaluationState, Level, ResultState

WAIVABLE = (ResultState.FAILED, ResultState.WAIVED)


def decide(evaluation: Evaluation) -> bool:
    """Set the evaluation's verdict from its results, and have each failure waived or not, as waivers are now. What is advisory
    counts in the score and not in the verdict; what is hard is waived by nothing.

    Returns whether a result changed by that. The caller has locked the evaluation's row, and saves it.
    """
    rows = list(evaluation.results.select_related("version__policy").prefetch_related("waivers"))
    known = note_known(evaluation, [row for row in rows if row.state in WAIVABLE])
    changed = [known, *(_waive(row, waivers) for row, waivers in _with_waivers(evaluation, rows))]
    weighed = weigh([(_as_said(row), row.level) for row in rows])
    evaluation.state, evaluation.score = weighed.state, weighed.score
    evaluation.waived, evaluation.remarks = weighed.waived, weighed.remarks
    return any(changed)


def decide_again(evaluations: QuerySet[Evaluation]) -> int:
    """Decide those that have a verdict once more, because waivers changed; returns how many changed.

    Each that changed is reported. Call it in a transaction that holds the lock of the project: then none is made meanwhile,
    and one that is just finishing is waited for, or sees the waivers as they are after the caller.
    """
    changed = 0
    rows = evaluations.exclude(state=EvaluationState.SUPERSEDED).select_related("project")
    for evaluation in rows.select_for_update(of=("self",), no_key=True).order_by("id"):
        if (
            not EvaluationState(evaluation.state).terminal
            or not _judged(evaluation)
            or not decide(evaluation)
        ):
            continue
        settle(evaluation, EvaluationState(evaluation.state))
        evaluation.save(update_fields=["state", "beneath", "glass", "score", "waived", "remarks"])
        outbox.instruct(Instruction.REPORT, project=evaluation.project_id, commit=evaluation.commit)
        outbox.instruct(Instruction.SCORE, project=evaluation.project_id)
        outbox.instruct(Instruction.SIGN, evaluation=evaluation.pk)
        changed += 1
    return changed


def _judged(evaluation: Evaluation) -> bool:
    """Whether there is something to waive in it, or something waived."""
    return evaluation.results.filter(state__in=WAIVABLE).exists()


def _with_waivers(evaluation: Evaluation, rows: Iterable[Result]) -> list[tuple[Result, list[Waiver]]]:
    judged = [row for row in rows if row.state in WAIVABLE]
    if not judged:
        return []
    waivers = list(in_force(timezone.now()).filter(project=evaluation.project_id))
    return [(row, _of(row, waivers)) for row in judged]


def _of(row: Result, waivers: list[Waiver]) -> list[Waiver]:
    if row.level is Level.HARD:
        return []
    return [one for one in waivers if one.version_id == row.version_id]


def _waive(row: Result, waivers: list[Waiver]) -> bool:
    of_scope = {scope_of(one): one for one in waivers}
    over = covers(list(of_scope), new_of(row, all_of(row))) or []
    used = {of_scope[one].pk for one in over}
    before = (ResultState(row.state), {one.pk for one in row.waivers.all()})
    row.state = ResultState.WAIVED if used else ResultState.FAILED
    if before == (row.state, used):
        return False
    row.save(update_fields=["state"])
    row.waivers.set(used)
    return True


def _as_said(row: Result) -> PolicyResult:
    return PolicyResult(
        version_id=row.version_id,
        slug=row.version.policy.slug,
        state=ResultState(row.state),
        score=row.score,
    )
