"""Evaluations of previews, by live policies: whether a commit floats. Which preview that is, and how it is, callers say."""

from django.db import transaction
from django.utils import timezone

from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.current import floats, newest_of
from seatrial.control.policies.models import Evaluation, PolicyVersion, Result
from seatrial.control.policies.queueing import WAITS_FOR_FACTS, note_waiting
from seatrial.control.policies.refs import refs_are_matched
from seatrial.control.policies.results import NOTHING_RAN, lost, passed_over
from seatrial.control.policies.rollout.choosing import choose
from seatrial.control.policies.rollout.opened import opened_at
from seatrial.control.policies.services import end, note_choice
from seatrial.control.projects.models import Project, PullRequest
from seatrial.wire.states import EvaluationState, Level, ResultState
from seatrial.wire.words import EventKind

__all__ = ["begin", "cannot", "look_again", "note_waiting", "of_deployment", "skip", "wanted"]


def wanted(project: Project) -> bool:
    """Whether the project's workspace has a live policy that could run."""
    rows = PolicyVersion.objects.filter(policy__workspace=project.workspace_id, live=True)
    return rows.filter(policy__enabled=True).exclude(policy__level=Level.DRAFT).exists()


@refs_are_matched
@transaction.atomic
def of_deployment(pull_request: PullRequest, deployment: str, *, again: bool = False) -> Evaluation | None:
    """The evaluation of the newest commit's preview, as this deployment of it; made now if there is none. None if no live policy
    applies. Without a `deployment`, it is about a commit that gets no preview.

    With `again`, one that has ended is not enough. An earlier one of the pull request that is in progress is superseded. One call per project at a time.
    """
    project = Project.objects.select_for_update(no_key=True).get(pk=pull_request.project_id)
    same = floats(Evaluation.objects.filter(project=project, pull_request=pull_request))
    known = newest_of(same)
    is_same = known is not None and (known.commit, known.deployment) == (pull_request.head_sha, deployment)
    if known is not None and is_same and not (again and EvaluationState(known.state).terminal):
        return known
    ref = f"refs/heads/{pull_request.branch}"
    asked_at = opened_at(
        project, commit=pull_request.head_sha, ref=ref, pull_request=pull_request, number=None
    )
    selection = choose(project, event=EventKind.PREVIEW, ref=ref, asked_at=asked_at or timezone.now())
    if not selection.all:
        return None
    end(same, "Another preview is looked at instead.")
    evaluation = Evaluation.objects.create(
        project=project,
        pull_request=pull_request,
        commit=pull_request.head_sha,
        base_commit=pull_request.base_sha,
        ref=ref[:250],
        event=EventKind.PREVIEW,
        deployment=deployment,
        levels=selection.levels,
        begins=selection.begins,
        waits_for="the preview",
    )
    note_choice(evaluation, selection)
    outbox.instruct(Instruction.REPORT, project=project.pk, commit=evaluation.commit)
    if not selection.versions:
        lost(evaluation, NOTHING_RAN)
    return evaluation


@refs_are_matched
@transaction.atomic
def look_again(pull_request: PullRequest) -> Evaluation | None:
    """Have its preview looked at once more, as it is now; the one in progress, if there is one. None: no live policy applies."""
    known = newest_of(floats(Evaluation.objects.filter(pull_request=pull_request)))
    made = of_deployment(pull_request, known.deployment if known is not None else "", again=True)
    outbox.instruct(Instruction.FLOAT, pull_request=pull_request.pk)
    return made


@transaction.atomic
def begin(evaluation: Evaluation) -> None:
    """Its preview is live: have it looked at, once the facts of the commit are known. Idempotent."""
    row = _waiting(evaluation)
    if row is not None and row.waits_for:
        note_waiting(row.pk, "")
        outbox.instruct(Instruction.FACTS, evaluation=row.pk)


@transaction.atomic
def skip(evaluation: Evaluation, why: str) -> None:
    """End it with nothing looked at and nothing failed, because there is no preview, for this reason. Idempotent."""
    row = _waiting(evaluation)
    if row is None:
        return
    versions = row.versions.exclude(results__evaluation=row)
    Result.objects.bulk_create(
        Result(evaluation=row, version=version, state=ResultState.SKIPPED, message=why)
        for version in versions
    )
    passed_over(row, why)


@transaction.atomic
def cannot(evaluation: Evaluation, why: str) -> None:
    """End it as errored, because its preview did not come to live, for this reason. Idempotent."""
    row = _waiting(evaluation)
    if row is not None:
        lost(row, why)


def _waiting(evaluation: Evaluation) -> Evaluation | None:
    """Its row, locked, while no agent knows of it."""
    return Evaluation.objects.select_for_update().filter(pk=evaluation.pk, **WAITS_FOR_FACTS).first()
