"""REST: evaluations."""

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema
from ninja.responses import Status
from pydantic import Field

from seatrial.control.accounts.access import Action, find_visible, require, visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer, error_body
from seatrial.control.audit import services as audit
from seatrial.control.listing import Cursor, Limit, page
from seatrial.control.policies import services
from seatrial.control.policies.again import again
from seatrial.control.policies.answers import EvaluationAnswer, EvaluationListed, answers, listed
from seatrial.control.policies.current import current as current_ones
from seatrial.control.policies.models import Evaluation
from seatrial.control.projects.errors import ProjectArchived
from seatrial.control.projects.models import Project
from seatrial.wire.words import EventKind

router = Router(tags=["policies"])
ProjectId = Annotated[str, Path(description="Id of a project.")]
OfProject = Annotated[str, Query(description="Only those of the project with this id.")]
OfNumber = Annotated[int | None, Query(description="Only those of pull requests with this number.")]
OfCommit = Annotated[str, Query(description="Only those of the commit with this whole id.")]
InState = Annotated[
    str,
    Query(
        description="Only those in this state: queued, running, passed, failed, errored, timed_out or superseded."
    ),
]
Current = Annotated[
    bool, Query(description="Only the newest of each open pull request, and of each branch and tag.")
]
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


@router.get("/evaluations", response=list[EvaluationListed], summary="List evaluations, newest first")
def list_evaluations(
    request: HttpRequest,
    response: HttpResponse,
    project: OfProject = "",
    number: OfNumber = None,
    commit: OfCommit = "",
    state: InState = "",
    current: Current = False,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> list[EvaluationListed]:
    """Those of all workspaces that you are in, without what each policy said."""
    rows = visible(person(request), Evaluation)
    if number is not None:
        rows = rows.filter(pull_request__number=min(max(number, 0), 2**31 - 1))
    wanted = {"project": project, "commit": commit, "state": state}
    rows = rows.filter(**{name: value for name, value in wanted.items() if value})
    rows = (current_ones(rows) if current else rows).select_related("pull_request")
    return [listed(row) for row in page(rows, request, response, by=("-id",), limit=limit, cursor=cursor)]


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
