"""REST: waivers."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Query, Router, Schema
from pydantic import Field as Checked

from seatrial.control.accounts.access import Action, find_visible, require, visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.listing import Cursor, Limit, page
from seatrial.control.policies.models import Waiver
from seatrial.control.policies.waivers import services
from seatrial.control.policies.waivers.rights import require_withdrawal
from seatrial.control.policies.waivers.scope import scope
from seatrial.control.policies.waivers.search import Wanted, matching
from seatrial.control.policies.waivers.services import MOST_DAYS, MOST_NOTE, MOST_REASON, USUAL_DAYS
from seatrial.control.policies.waivers.words import page_url
from seatrial.control.projects.models import Project

router = Router(tags=["policies"])
ProjectId = Annotated[str, Path(description="Id of a project.")]
WaiverId = Annotated[str, Path(description="Id of a waiver.")]
State = Annotated[
    str,
    Query(
        description="Only those in this state: requested, approved, rejected, expired, withdrawn; or unused: approved, and it waives nothing of any verdict that stands."
    ),
]
OfProject = Annotated[str, Query(description="Only those of the project with this slug or id.")]
OfPolicy = Annotated[str, Query(description="Only those of the policy with this slug.")]
Search = Annotated[
    str,
    Query(description="Only those with this text in their reason, path, policy, repository or requester."),
]
REFUSED: dict[int, Any] = {400: ErrorAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer}


class WaiverAsked(Schema):
    """Without `path` and `fingerprint`, it is for everything that the policy finds in the repository."""

    policy: str = Checked(max_length=100, description="The policy's slug.")
    reason: str = Checked(max_length=MOST_REASON, description="Why this does not matter for now.")
    path: str = Checked(
        "", max_length=1000, description="Only what is found in this file, or below this folder."
    )
    fingerprint: str = Checked("", max_length=200, description="Only the finding with this fingerprint.")
    days: int = Checked(
        USUAL_DAYS,
        ge=1,
        le=MOST_DAYS,
        description=f"How long it lasts from now on, at most {MOST_DAYS} days.",
    )


class Decision(Schema):
    """What somebody decides about a waiver."""

    note: str = Checked("", max_length=MOST_NOTE, description="Kept with the waiver, for people.")


class WaiverAnswer(Schema):
    """One waiver."""

    id: str = Field(description="Its id.")
    project: str = Field(description="Id of the project.")
    project_name: str = Field(description="Its name.")
    policy: str = Field(description="The policy's slug.")
    version: int = Field(description="The version of the policy that it is bound to.")
    path: str = Field(description="The file or folder that it covers; empty if it is not for one.")
    fingerprint: str = Field(description="The finding that it covers; empty if it is not for one.")
    reason: str = Field(description="Why, for people.")
    state: str = Field(description="requested, approved, rejected, expired or withdrawn.")
    requested_by: str = Field(description="Who asked for it.")
    requested_at: datetime = Field(description="When.")
    expires_at: datetime = Field(description="When it ends at the latest.")
    decided_by: str = Field(description="Who approved or rejected it; empty before that.")
    decided_at: datetime | None = Field(description="When; null before that.")
    ended_by: str = Field(description="Who ended it, or system; empty before that.")
    ended_at: datetime | None = Field(description="When it ended; null before that.")
    note: str = Field(description="What whoever decided or ended it said.")
    page_url: str = Field(description="Its page on this server.")


@router.get("/waivers", response=list[WaiverAnswer], summary="List waivers, newest first")
def list_waivers(
    request: HttpRequest,
    response: HttpResponse,
    state: State = "",
    project: OfProject = "",
    policy: OfPolicy = "",
    search: Search = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> list[WaiverAnswer]:
    """Those of all workspaces that you are in."""
    wanted = Wanted(state=state, project=project, policy=policy, search=search)
    rows = matching(visible(person(request), Waiver), wanted)
    return [answer(row) for row in page(rows, request, response, by=("-id",), limit=limit, cursor=cursor)]


@router.get("/waivers/{waiver_id}", response={200: WaiverAnswer, 404: ErrorAnswer}, summary="One waiver")
def get_waiver(request: HttpRequest, waiver_id: WaiverId) -> WaiverAnswer:
    """The waiver, also when it has ended."""
    return answer(_find(request, waiver_id))


@router.post(
    "/projects/{project_id}/waivers", response={200: WaiverAnswer, **REFUSED}, summary="Request a waiver"
)
def request_waiver(request: HttpRequest, project_id: ProjectId, asked: WaiverAsked) -> WaiverAnswer:
    """It waives nothing until somebody else approves it. It is for the newest version of the policy."""
    user = person(request)
    project = find_visible(user, Project, project_id)
    require(user, Action.REQUEST_WAIVER, project)
    row = services.request(
        project,
        asked.policy,
        scope=scope(asked.path, asked.fingerprint),
        reason=asked.reason,
        days=asked.days,
        by=actor(request),
        person=user,
    )
    return answer(row)


@router.post(
    "/waivers/{waiver_id}/approve", response={200: WaiverAnswer, **REFUSED}, summary="Approve a waiver"
)
def approve(request: HttpRequest, waiver_id: WaiverId, decision: Decision) -> WaiverAnswer:
    """What it covers fails no more. Whoever asked for it is refused."""
    row = _find(request, waiver_id)
    require(person(request), Action.DECIDE_WAIVER, row)
    services.approve(row, by=actor(request), person=person(request), note=decision.note)
    return answer(_find(request, waiver_id))


@router.post(
    "/waivers/{waiver_id}/reject", response={200: WaiverAnswer, **REFUSED}, summary="Reject a waiver"
)
def reject(request: HttpRequest, waiver_id: WaiverId, decision: Decision) -> WaiverAnswer:
    """It waives nothing."""
    row = _find(request, waiver_id)
    require(person(request), Action.DECIDE_WAIVER, row)
    services.reject(row, by=actor(request), note=decision.note)
    return answer(_find(request, waiver_id))


@router.post(
    "/waivers/{waiver_id}/withdraw", response={200: WaiverAnswer, **REFUSED}, summary="Withdraw a waiver"
)
def withdraw(request: HttpRequest, waiver_id: WaiverId, decision: Decision) -> WaiverAnswer:
    """What it covered fails again. Whoever asked for it may, and whoever may approve it."""
    row = _find(request, waiver_id)
    require_withdrawal(person(request), row)
    services.withdraw(row, by=actor(request), note=decision.note)
    return answer(_find(request, waiver_id))


def answer(row: Waiver) -> WaiverAnswer:
    """The waiver as REST shows it."""
    return WaiverAnswer(
        id=row.pk,
        project=row.project_id,
        project_name=row.project.name,
        policy=row.version.policy.slug,
        version=row.version.number,
        path=row.path,
        fingerprint=row.fingerprint,
        reason=row.reason,
        state=row.state,
        requested_by=row.requested_by,
        requested_at=row.created_at,
        expires_at=row.expires_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        ended_by=row.ended_by,
        ended_at=row.ended_at,
        note=row.note,
        page_url=page_url(row),
    )


def _find(request: HttpRequest, key: str) -> Waiver:
    return find_visible(person(request), Waiver, key, "project__workspace", "version__policy")
