"""REST: pull requests, why one gets no preview, and approving a commit from a fork."""

import re
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema
from pydantic import Field

from seatrial.control.accounts.access import Action, find_visible, require, visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import User
from seatrial.control.answers import ErrorAnswer
from seatrial.control.errors import NotFound
from seatrial.control.listing import MOST, Cursor, Limit, page
from seatrial.control.previews.approving import approve
from seatrial.control.previews.withheld import fix, why, withheld
from seatrial.control.projects.models import Project, PullRequest, PullRequestState

router = Router(tags=["pull requests"])
ProjectId = Annotated[str, Path(description="Id of a project.")]
Number = Annotated[str, Path(description="The pull request's number at its forge.")]
ClosedToo = Annotated[bool, Query(description="Whether closed ones are listed too.")]
WHOLE = re.compile(r"[0-9]{1,9}")


class PullAnswer(Schema):
    """A pull request as its forge last reported it. `withheld` is the stable word for why an open one gets no preview;
    `why_withheld` and `fix` say it for people. All three are empty if it gets one.
    """

    project: str = Field(description="Id of its project.")
    number: int = Field(description="Its number at its forge.")
    title: str = Field(description="Its title.")
    author: str = Field(description="Whoever opened it, by the forge's name.")
    branch: str = Field(description="The branch that is to be merged.")
    base_branch: str = Field(description="The branch that it is to be merged into.")
    commit: str = Field(description="Its newest commit.")
    state: str = Field(description="open or closed.")
    draft: bool = Field(description="Whether it is a draft.")
    merged: bool = Field(description="Whether it was merged; only of a closed one.")
    labels: list[str] = Field(description="The names of its labels.")
    from_fork: bool = Field(description="Whether it comes from a fork.")
    approved: bool = Field(description="Whether somebody approved this commit; only of one from a fork.")
    approved_by: str = Field(description="Who did, for people; empty if nobody did.")
    withheld: str = Field(
        description="project_archived, gone, switched_off, labelled, fork, not_labelled or draft: why it gets no preview; empty if it gets one."
    )
    why_withheld: str = Field(description="The same for people.")
    fix: str = Field(description="What people can do about that.")


class ApprovalAsked(Schema):
    """The commit that somebody has read."""

    commit: str = Field(
        pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$",
        description="The whole id of the commit to approve. If the pull request has another one by now, nothing is approved.",
    )


@router.get(
    "/projects/{project_id}/pulls", response=list[PullAnswer], summary="List pull requests, newest first"
)
def list_pulls(
    request: HttpRequest,
    response: HttpResponse,
    project_id: ProjectId,
    closed: ClosedToo = False,
    limit: Limit = MOST,
    cursor: Cursor = "",
) -> list[PullAnswer]:
    """The open pull requests of a project; with `closed`, also those that are closed or merged."""
    project = find_visible(person(request), Project, project_id)
    rows = PullRequest.objects.filter(project=project).select_related("project")
    if not closed:
        rows = rows.filter(state=PullRequestState.OPEN)
    return [answer(row) for row in page(rows, request, response, by=("-id",), limit=limit, cursor=cursor)]


@router.get(
    "/projects/{project_id}/pulls/{number}",
    response={200: PullAnswer, 404: ErrorAnswer},
    summary="One pull request",
)
def get_pull(request: HttpRequest, project_id: ProjectId, number: Number) -> PullAnswer:
    """The pull request, also when it is closed."""
    return answer(find_pull(person(request), project_id, number))


@router.post(
    "/projects/{project_id}/pulls/{number}/approve",
    response={200: PullAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer},
    summary="Let one commit from a fork have a preview",
)
def approve_commit(
    request: HttpRequest, project_id: ProjectId, number: Number, asked: ApprovalAsked
) -> PullAnswer:
    """Read what it changes first: it is built and run. What is pushed later needs another approval. Idempotent."""
    pull_request = find_pull(person(request), project_id, number)
    require(person(request), Action.APPROVE_FORK, pull_request)
    approve(pull_request, commit=asked.commit, by=actor(request))
    return answer(find_pull(person(request), project_id, number))


def find_pull(user: User, project: str, number: str) -> PullRequest:
    """The pull request, if the user may see it. Raises NotFound, also for what can be no number."""
    rows = visible(user, PullRequest).select_related("project__workspace", "project__connection")
    wanted = int(number) if WHOLE.fullmatch(number) else 0
    row = rows.filter(project=project.replace("\x00", ""), number=wanted).first()
    if row is None:
        raise NotFound(f"There is no pull request {number} in project {project}.")
    return row


def answer(row: PullRequest) -> PullAnswer:
    """The pull request as REST shows it. Its `project` should have been read."""
    reason = withheld(row) if row.state == PullRequestState.OPEN else None
    return PullAnswer(
        project=row.project_id,
        number=row.number,
        title=row.title,
        author=row.author,
        branch=row.branch,
        base_branch=row.base_branch,
        commit=row.head_sha,
        state=row.state,
        draft=row.draft,
        merged=row.merged,
        labels=row.labels,
        from_fork=row.from_fork,
        approved=row.approved,
        approved_by=row.approved_by if row.approved else "",
        withheld=reason or "",
        why_withheld=why(reason, row) if reason else "",
        fix=fix(reason, row) if reason else "",
    )
