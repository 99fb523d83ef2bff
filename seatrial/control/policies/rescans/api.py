"""REST: re-scans."""

from typing import Annotated

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema
from ninja.responses import Status
from pydantic import Field

from seatrial.control.accounts.access import (
    Action,
    find_allowed,
    find_visible,
    require,
    visible,
)
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.policies.asked import REFUSED, PolicyId, ProjectId, WorkspaceSlug
from seatrial.control.policies.authoring.finding import managed
from seatrial.control.policies.models import Policy
from seatrial.control.policies.rescans import asking
from seatrial.control.policies.rescans.answers import (
    RescanAnswer,
    RescanTargetAnswer,
    rescan_answer,
    target_answer,
)
from seatrial.control.policies.rescans.models import Rescan
from seatrial.control.policies.rescans.shown import action_of
from seatrial.control.projects.models import Project

router = Router(tags=["policies"])
RescanId = Annotated[str, Path(description="Id of a re-scan.")]
OfProject = Annotated[str, Query(description="Id of a project; empty: of all.")]
MOST = 50
RELATED = ("workspace", "policy", "project")


class RescanWanted(Schema):
    """What is run again."""

    pull_requests: bool = Field(
        False, description="Whether on every open pull request too, and not on default branches alone."
    )


@router.post(
    "/projects/{project}/rescans", response={202: RescanAnswer, **REFUSED}, summary="Re-scan a project"
)
def rescan_project(request: HttpRequest, project: ProjectId, wanted: RescanWanted) -> Status[RescanAnswer]:
    """Runs its policies on the newest commit of its default branch. It takes the role developer. While one is in progress, that is
    the answer."""
    row = find_allowed(person(request), Action.RUN_EVALUATION, Project, project, "workspace")
    return _begun(asking.of_project(row, by=actor(request), pull_requests=wanted.pull_requests))


@router.post(
    "/policies/{policy_id}/rescans",
    response={202: RescanAnswer, **REFUSED},
    summary="Run a policy on all projects it is attached to",
)
def rescan_policy(request: HttpRequest, policy_id: PolicyId, wanted: RescanWanted) -> Status[RescanAnswer]:
    """The other policies of these projects are run with it: a commit has one verdict. What they said is remembered where nothing
    changed. It takes the role admin."""
    row = find_allowed(person(request), Action.MANAGE_POLICIES, Policy, policy_id, "workspace")
    return _begun(asking.of_policy(row, by=actor(request), pull_requests=wanted.pull_requests))


@router.post(
    "/workspaces/{workspace}/rescans",
    response={202: RescanAnswer, **REFUSED},
    summary="Re-scan all projects of a workspace",
)
def rescan_workspace(
    request: HttpRequest, workspace: WorkspaceSlug, wanted: RescanWanted
) -> Status[RescanAnswer]:
    """It takes the role admin."""
    found = managed(person(request), workspace)
    return _begun(asking.of_workspace(found, by=actor(request), pull_requests=wanted.pull_requests))


@router.get("/rescans", response={200: list[RescanAnswer]}, summary="Re-scans, newest first")
def list_rescans(request: HttpRequest, project: OfProject = "") -> list[RescanAnswer]:
    """The newest 50 that you may see."""
    rows = visible(person(request), Rescan).select_related(*RELATED).order_by("-id")
    rows = rows.filter(targets__project=project).distinct() if project else rows
    return [rescan_answer(row) for row in rows[:MOST]]


@router.get("/rescans/{rescan}", response={200: RescanAnswer, 404: ErrorAnswer}, summary="One re-scan")
def get_rescan(request: HttpRequest, rescan: RescanId) -> RescanAnswer:
    """As far as it is."""
    return rescan_answer(find_visible(person(request), Rescan, rescan, *RELATED))


@router.get(
    "/rescans/{rescan}/targets",
    response={200: list[RescanTargetAnswer], 404: ErrorAnswer},
    summary="What a re-scan is about, one by one",
)
def list_targets(request: HttpRequest, rescan: RescanId) -> list[RescanTargetAnswer]:
    """In their order: default branches first."""
    row = find_visible(person(request), Rescan, rescan)
    rows = row.targets.select_related("project", "pull_request", "evaluation").order_by("id")
    return [target_answer(one) for one in rows]


@router.post("/rescans/{rescan}/stop", response={200: RescanAnswer, **REFUSED}, summary="Stop a re-scan")
def stop_rescan(request: HttpRequest, rescan: RescanId) -> RescanAnswer:
    """Nothing more is begun. What is under way goes on, and counts. It takes what beginning it takes."""
    row = find_visible(person(request), Rescan, rescan, *RELATED)
    require(person(request), action_of(row), row)
    asking.stop(row, by=actor(request))
    return rescan_answer(Rescan.objects.select_related(*RELATED).get(pk=row.pk))


def _begun(row: Rescan) -> Status[RescanAnswer]:
    return Status(202, rescan_answer(Rescan.objects.select_related(*RELATED).get(pk=row.pk)))
