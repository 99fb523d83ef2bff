"""REST: evaluations."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Router, Schema
from ninja.responses import Status
from pydantic import Field

from seatrial.control.accounts.access import Action, find_visible, require
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer, error_body
from seatrial.control.audit import services as audit
from seatrial.control.policies import services
from seatrial.control.policies.again import again
from seatrial.control.policies.answers import EvaluationAnswer, answers
from seatrial.control.policies.models import Evaluation
from seatrial.control.projects.errors import ProjectArchived
from seatrial.control.projects.models import Project
from seatrial.wire.words import EventKind

router = Router(tags=["policies"])
ProjectId = Annotated[str, Path(description="Id of a project.")]
EvaluationId = Annotated[str, Path(description="Id of an evaluation.")]


class EvaluationAsked(Schema):
    """A full commit id, and the ref that it is evaluated as (refs/heads/...)."""

    commit: str = Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$", description="The whole commit id.")
    ref: str = Field(
        "",
        max_length=250,
        description="What it is evaluated as, such as refs/heads/main; policies are chosen by it.",
    )


@router.post(
    "/projects/{project_id}/evaluations",
    response={200: EvaluationAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer},
    summary="Evaluate a commit",
)
def evaluate(
    request: HttpRequest, project_id: ProjectId, asked: EvaluationAsked
) -> EvaluationAnswer | Status[Any]:
    """Runs every enabled policy whose ref matches, whatever its events.

    If such an evaluation is in progress, that one is returned.
    """
    project = find_visible(person(request), Project, project_id)
    require(person(request), Action.RUN_EVALUATION, project)
    if project.archived_at is not None:
        raise ProjectArchived(project.name)
    evaluation = services.evaluate(project, commit=asked.commit, ref=asked.ref, event=EventKind.MANUAL)
    if evaluation is None:
        message = (
            f"No enabled policy applies to {asked.ref or 'this commit'}. Enable one, or widen its criteria."
        )
        return Status(409, error_body("no_policy_applies", message))
    audit.record(
        "evaluation.request",
        f"evaluation/{evaluation.pk}",
        by=actor(request),
        workspace=project.workspace_id,
        details={"commit": asked.commit},
    )
    return _fresh(evaluation)


@router.get(
    "/evaluations/{evaluation_id}",
    response={200: EvaluationAnswer, 404: ErrorAnswer},
    summary="One evaluation",
)
def get_evaluation(request: HttpRequest, evaluation_id: EvaluationId) -> EvaluationAnswer:
    """The evaluation. Its results come all at once, when it has ended."""
    return _fresh(find_visible(person(request), Evaluation, evaluation_id))


@router.post(
    "/evaluations/{evaluation_id}/run",
    response={202: EvaluationAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer},
    summary="Run an evaluation again",
)
def run_again(request: HttpRequest, evaluation_id: EvaluationId) -> Status[EvaluationAnswer]:
    """The same commit, by the policies that apply now. If such an evaluation is in progress, that one is returned."""
    found = find_visible(person(request), Evaluation, evaluation_id)
    require(person(request), Action.RUN_EVALUATION, found)
    return Status(202, _fresh(again(found, by=actor(request))))


def _fresh(evaluation: Evaluation) -> EvaluationAnswer:
    return answers(Evaluation.objects.filter(pk=evaluation.pk))[0]
