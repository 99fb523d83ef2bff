"""Evaluations: which policies run on a commit, and what came of it."""

from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.criteria import applies
from seatrial.control.policies.errors import BadCriteria
from seatrial.control.policies.models import Evaluation, Policy, PolicyVersion, Result
from seatrial.control.policies.overdue import give_up_lost
from seatrial.control.policies.results import finished, give_up, lost, started
from seatrial.control.projects.models import Project, PullRequest
from seatrial.wire.states import EvaluationState, ResultState
from seatrial.wire.words import EventKind

__all__ = ["evaluate", "finished", "give_up", "give_up_lost", "started", "supersede", "supersede_project"]

IN_PROGRESS = [EvaluationState.QUEUED, EvaluationState.RUNNING]


@dataclass
class Selection:
    """The newest version of every policy that applies. `broken`: those with unusable criteria, and what is wrong."""

    versions: list[PolicyVersion] = field(default_factory=list)
    broken: list[tuple[PolicyVersion, str]] = field(default_factory=list)

    @property
    def all(self) -> list[PolicyVersion]:
        """Every version that gets a result in the evaluation."""
        return [*self.versions, *(version for version, _ in self.broken)]


@transaction.atomic
def evaluate(
    project: Project,
    *,
    commit: str,
    ref: str,
    event: EventKind,
    pull_request: PullRequest | None = None,
    base_commit: str = "",
) -> Evaluation | None:
    """Make one evaluation of `commit` by the policies that apply now; None when none applies.

    None also when the project is archived. No forge is asked here: the facts of the commit are fetched after the caller's transaction, and then the evaluation
    is queued for an agent. `base_commit` is the commit to compare with, if that is known. Idempotent: the same commit,
    ref and event has one evaluation, which is returned again. There are two exceptions: a manual one is only returned
    again while it is in progress, and a superseded one is not if nothing newer superseded it (its pull request was
    closed and is open again). An evaluation of an older commit of the same pull request or ref that is still in
    progress is superseded.
    """
    # One call per project at a time, so that no evaluation is made twice. Rows that only refer to the project need not
    # wait.
    current = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if current.archived_at is not None:
        return None
    same = Evaluation.objects.filter(project=project, event=event, ref=ref, pull_request=pull_request)
    known = _known(same, commit, event)
    if known is not None:
        return known
    selection = _select(project, event=event, ref=ref)
    if not selection.all:
        return None
    _supersede(same, "A newer commit is evaluated instead.")
    evaluation = Evaluation.objects.create(
        project=project,
        pull_request=pull_request,
        commit=commit,
        base_commit=base_commit,
        ref=ref[:250],
        event=event,
    )
    evaluation.versions.set(selection.all)
    for version, reason in selection.broken:
        Result.objects.create(
            evaluation=evaluation, version=version, state=ResultState.ERRORED, message=reason
        )
    if selection.versions:
        outbox.instruct(Instruction.FACTS, evaluation=evaluation.pk)
    else:
        lost(evaluation, "No policy could run: see the results.")
    outbox.instruct(Instruction.REPORT, project=project.pk, commit=commit)
    return evaluation


def supersede(pull_request: PullRequest) -> None:
    """Supersede the evaluations in progress of a pull request that was closed."""
    _supersede(Evaluation.objects.filter(pull_request=pull_request), "The pull request was closed.")


def supersede_project(project: Project) -> None:
    """Supersede the evaluations in progress of a project that was archived."""
    _supersede(Evaluation.objects.filter(project=project), "The project was archived.")


def _known(same: QuerySet[Evaluation], commit: str, event: EventKind) -> Evaluation | None:
    of_commit = same.filter(commit=commit).order_by("-id")
    if event == EventKind.MANUAL:
        return of_commit.filter(state__in=IN_PROGRESS).first()
    newest = same.order_by("-id").first()
    if newest is None or newest.commit != commit or newest.state == EvaluationState.SUPERSEDED:
        return None  # a superseded one that is the newest: its pull request was closed, and is open again
    return newest


def _supersede(evaluations: QuerySet[Evaluation], why: str) -> None:
    in_progress = evaluations.filter(state__in=IN_PROGRESS)
    for project, commit in list(in_progress.values_list("project_id", "commit")):
        outbox.instruct(Instruction.REPORT, project=project, commit=commit)
    in_progress.update(
        state=EvaluationState.SUPERSEDED, finished_at=timezone.now(), message=why, waits_for=""
    )


def _select(project: Project, *, event: EventKind, ref: str) -> Selection:
    policies = Policy.objects.filter(workspace=project.workspace_id, enabled=True).order_by("slug")
    selection = Selection()
    for policy in policies.prefetch_related(Prefetch("versions", PolicyVersion.objects.order_by("-number"))):
        version = next(iter(policy.versions.all()), None)
        if version is None:
            continue
        try:
            if applies(policy.criteria, event=event, ref=ref):
                selection.versions.append(version)
        except BadCriteria as error:
            selection.broken.append((version, str(error)))
    return selection
