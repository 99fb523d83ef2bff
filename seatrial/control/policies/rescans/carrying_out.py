"""One target of a re-scan: which commit is the newest, and its evaluation."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from seatrial.control.forges.connected import Forges
from seatrial.control.policies import services
from seatrial.control.policies.criteria import check_criteria
from seatrial.control.policies.errors import BadCriteria
from seatrial.control.policies.models import Evaluation, Policy
from seatrial.control.policies.refs import refs_are_matched, which_apply
from seatrial.control.policies.rescans.ending import end
from seatrial.control.policies.rescans.models import Outcome, RescanTarget
from seatrial.control.projects.models import Project, PullRequestState
from seatrial.wire.states import EvaluationState
from seatrial.wire.words import EventKind


def carry_out(forges: Forges, body: dict[str, str]) -> None:
    """Evaluate the newest commit of the target in `body`. Idempotent. No transaction is open while the forge is asked. Raises
    ForgeError.
    """
    rows = RescanTarget.objects.select_related("project__connection")
    target = rows.filter(pk=body["target"], outcome=Outcome.UNDER_WAY, evaluation=None).first()
    if target is None:
        return
    asked_at, project = timezone.now(), target.project
    commit = ""
    if target.pull_request_id is None and not (project.archived_at or project.gone):
        commit = forges.of(project.connection).head(project, project.default_branch)
    _evaluate(target.pk, commit, asked_at)


@transaction.atomic
def given_up(body: dict[str, str], why: str) -> None:
    """End the target, because its code host will not be asked any more."""
    rows = RescanTarget.objects.select_for_update(of=("self",), no_key=True)
    target = rows.filter(pk=body["target"], outcome=Outcome.UNDER_WAY, evaluation=None).first()
    if target is not None:
        end(target, Outcome.UNREACHABLE, why[:1_000])


@refs_are_matched
@transaction.atomic
def _evaluate(key: str, commit: str, asked_at: datetime) -> None:
    # The project first, as everybody locks it before what is below it
    project_id = RescanTarget.objects.values_list("project_id", flat=True).get(pk=key)
    project = Project.objects.select_for_update(no_key=True).get(pk=project_id)
    rows = RescanTarget.objects.select_for_update(of=("self",), no_key=True)
    target = rows.select_related("rescan__policy", "pull_request").get(pk=key)
    if target.outcome != Outcome.UNDER_WAY or target.evaluation_id is not None:
        return
    outcome = _against(target, project, commit, asked_at)
    if outcome is not None:
        end(target, outcome)
        return
    evaluation = _again(target, project, commit)
    if evaluation is None:
        end(target, Outcome.NOT_APPLICABLE)
        return
    target.evaluation = evaluation
    target.save(update_fields=["evaluation"])
    if EvaluationState(evaluation.state).terminal:  # nothing could run
        end(target, Outcome.EVALUATED)


def _against(target: RescanTarget, project: Project, commit: str, asked_at: datetime) -> Outcome | None:
    """Why nothing is evaluated, if so."""
    pull_request, policy = target.pull_request, target.rescan.policy
    if project.archived_at is not None or project.gone:
        return Outcome.GONE
    if pull_request is not None and pull_request.state == PullRequestState.CLOSED:
        return Outcome.GONE
    if policy is not None and not _applies(policy, target, project):
        return Outcome.NOT_APPLICABLE
    if pull_request is None and _overtaken(project, commit, asked_at):
        return Outcome.OVERTAKEN
    return None


def _overtaken(project: Project, commit: str, asked_at: datetime) -> bool:
    """Whether a push that we heard of since may have made another commit the newest: that one must not be superseded."""
    newest = _of_branch(project).order_by("-id").first()
    return newest is not None and newest.commit != commit and newest.created_at >= asked_at


def _applies(policy: Policy, target: RescanTarget, project: Project) -> bool:
    kind = EventKind.PUSH if target.pull_request_id is None else EventKind.PULL_REQUEST
    try:
        criteria = check_criteria(policy.criteria)
    except BadCriteria:
        return True  # its result says what is wrong
    return criteria.apply_to(kind) and bool(which_apply([criteria.ref], _ref(target, project)))


def _again(target: RescanTarget, project: Project, commit: str) -> Evaluation | None:
    pull_request = target.pull_request
    if pull_request is not None:
        return services.evaluate(
            project,
            commit=pull_request.head_sha,
            ref=_ref(target, project),
            event=EventKind.PULL_REQUEST,
            pull_request=pull_request,
            base_commit=pull_request.base_sha,
            again=True,
        )
    bases = _of_branch(project).filter(commit=commit).exclude(state=EvaluationState.SUPERSEDED)
    base = bases.order_by("-id").values_list("base_commit", flat=True).first()
    return services.evaluate(
        project,
        commit=commit,
        ref=_ref(target, project),
        event=EventKind.PUSH,
        base_commit=base or "",
        again=True,
    )


def _of_branch(project: Project) -> QuerySet[Evaluation]:
    ref = f"refs/heads/{project.default_branch}"
    return Evaluation.objects.filter(project=project, ref=ref, event=EventKind.PUSH, pull_request=None)


def _ref(target: RescanTarget, project: Project) -> str:
    pull_request = target.pull_request
    return f"refs/heads/{pull_request.branch if pull_request is not None else project.default_branch}"
