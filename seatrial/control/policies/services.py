"""Evaluations: which policies run on a commit, and what came of it."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.deciding import decide_again
from seatrial.control.policies.models import Evaluation, Result
from seatrial.control.policies.overdue import give_up_lost
from seatrial.control.policies.refs import refs_are_matched
from seatrial.control.policies.results import NOTHING_RAN, finished, give_up, lost, nothing_applies, started
from seatrial.control.policies.rollout.choosing import Selection, choose
from seatrial.control.policies.rollout.opened import opened_at
from seatrial.control.policies.turns import give_turn
from seatrial.control.projects.models import Project, PullRequest
from seatrial.wire.states import EvaluationState, ResultState
from seatrial.wire.words import EventKind

__all__ = [
    "evaluate",
    "finished",
    "give_up",
    "give_up_lost",
    "rerun",
    "started",
    "supersede",
    "supersede_project",
]

IN_PROGRESS = [EvaluationState.QUEUED, EvaluationState.RUNNING]


@refs_are_matched
@transaction.atomic
def evaluate(
    project: Project,
    *,
    commit: str,
    ref: str,
    event: EventKind,
    pull_request: PullRequest | None = None,
    base_commit: str = "",
    rebased: bool = False,
    again: bool = False,
    queued: int | None = None,
) -> Evaluation | None:
    """Make one evaluation of `commit` by the policies that apply now; None when none applies. For a merge queue there is
    always one, because the queue waits for a verdict: without a policy it has passed.

    What gates from a date on is advisory for pull requests that were opened before it, and for the pushes to their branches;
    `queued` is the number of the one that a merge queue made the commit of.

    None also when the project is archived. No forge is asked here: the facts of the commit are fetched after the
    caller's transaction, and then the evaluation is queued for an agent. `base_commit` is the commit to compare with, if that is known. Idempotent: the same commit,
    ref and event has one evaluation, which is returned again. There are exceptions: a manual one, or one that somebody asks
    for `again`, is only returned again while it is in progress; a superseded one is not if nothing newer superseded it (its
    pull request was closed and is open again); and if the pull request was `rebased`, one that compared with another base is
    not. An evaluation of an older commit of the same pull request or ref that is still in progress is superseded.
    """
    # One call per project at a time, so that no evaluation is made twice. Rows that only refer to the project need not
    # wait.
    current = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if current.archived_at is not None:
        return None
    same = Evaluation.objects.filter(project=project, event=event, ref=ref, pull_request=pull_request)
    known = _known(same, commit, only_in_progress=again or event == EventKind.MANUAL)
    if known is not None and not (rebased and known.base_commit != base_commit):
        return _as_it_is_now(known)
    asked_at = opened_at(current, commit=commit, ref=ref, pull_request=pull_request, number=queued)
    selection = choose(current, event=event, ref=ref, asked_at=asked_at or timezone.now())
    if not selection.all and event != EventKind.MERGE_QUEUE:
        return None
    end(same, "A newer commit is evaluated instead.")
    evaluation = Evaluation.objects.create(
        project=project,
        pull_request=pull_request,
        commit=commit,
        base_commit=base_commit,
        ref=ref[:250],
        event=event,
        levels=selection.levels,
        begins=selection.begins,
    )
    note_choice(evaluation, selection)
    _begin(evaluation, selection)
    return evaluation


def note_choice(evaluation: Evaluation, selection: Selection) -> None:
    """Which versions run in `evaluation`, which the caller has just made; those that cannot are errored."""
    evaluation.versions.set(selection.all)
    for version, reason in selection.broken:
        Result.objects.create(
            evaluation=evaluation, version=version, state=ResultState.ERRORED, message=reason
        )


def _begin(evaluation: Evaluation, selection: Selection) -> None:
    if selection.versions:
        outbox.instruct(Instruction.FACTS, evaluation=evaluation.pk)
    elif selection.broken:
        lost(evaluation, NOTHING_RAN)
    else:
        nothing_applies(evaluation)
    outbox.instruct(Instruction.REPORT, project=evaluation.project_id, commit=evaluation.commit)


@refs_are_matched
@transaction.atomic
def rerun(pull_request: PullRequest, *, by: Actor) -> Evaluation | None:
    """Evaluate the newest commit of an open pull request again; None when no policy applies.

    One that is in progress is returned. What no policy looked at anew is remembered.
    """
    evaluation = evaluate(
        pull_request.project,
        commit=pull_request.head_sha,
        ref=f"refs/heads/{pull_request.branch}",
        event=EventKind.PULL_REQUEST,
        pull_request=pull_request,
        base_commit=pull_request.base_sha,
        again=True,
    )
    if evaluation is not None:
        audit.record(
            "evaluation.request",
            f"evaluation/{evaluation.pk}",
            by=by,
            workspace=pull_request.project.workspace_id,
            details={"commit": evaluation.commit},
        )
    return evaluation


def supersede(pull_request: PullRequest) -> None:
    """Supersede the evaluations in progress of a pull request that was closed."""
    end(Evaluation.objects.filter(pull_request=pull_request), "The pull request was closed.")


def supersede_project(project: Project) -> None:
    """Supersede the evaluations in progress of a project that was archived."""
    end(Evaluation.objects.filter(project=project), "The project was archived.")


def _known(same: QuerySet[Evaluation], commit: str, *, only_in_progress: bool) -> Evaluation | None:
    of_commit = same.filter(commit=commit).order_by("-id")
    if only_in_progress:
        return of_commit.filter(state__in=IN_PROGRESS).first()
    newest = same.order_by("-id").first()
    if newest is None or newest.commit != commit or newest.state == EvaluationState.SUPERSEDED:
        return None  # a superseded one that is the newest: its pull request was closed, and is open again
    return newest


def _as_it_is_now(known: Evaluation) -> Evaluation:
    """While its pull request was closed, waivers may have begun or ended."""
    if known.waived or known.state == EvaluationState.FAILED:
        decide_again(Evaluation.objects.filter(pk=known.pk))
        known.refresh_from_db()
    return known


def end(evaluations: QuerySet[Evaluation], why: str) -> None:
    """Supersede those of `evaluations` that are in progress."""
    in_progress = evaluations.filter(state__in=IN_PROGRESS)
    for evaluation in in_progress.select_related("project"):
        outbox.instruct(Instruction.REPORT, project=evaluation.project_id, commit=evaluation.commit)
        give_turn(evaluation)
    in_progress.update(
        state=EvaluationState.SUPERSEDED, finished_at=timezone.now(), message=why, waits_for=""
    )
