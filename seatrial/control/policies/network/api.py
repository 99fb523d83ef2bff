"""REST: the network for policies of a workspace."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Path, Router, Schema

from seatrial.control.accounts.access import Action, require, workspace_named
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import Workspace
from seatrial.control.answers import ErrorAnswer
from seatrial.control.policies.models import NetworkPermission
from seatrial.control.policies.network import services

router = Router(tags=["policies"])
WorkspaceSlug = Annotated[str, Path(description="Slug of a workspace that you are in.")]


class NetworkWanted(Schema):
    """Whether policies that ask for the network may have it."""

    permitted: bool = Field(description="Whether they may.")


class NetworkAnswer(Schema):
    """The network for policies of one workspace."""

    workspace: str = Field(description="The workspace's slug.")
    permitted: bool = Field(description="Whether policies that ask for the network may have it.")
    permitted_by: str = Field(description="Who permitted it; empty if it is not permitted.")
    permitted_at: datetime | None = Field(description="Since when; null if it is not permitted.")
    asking: list[str] = Field(description="Slugs of the policies that ask for it.")


@router.get(
    "/workspaces/{workspace}/network",
    response={200: NetworkAnswer, 404: ErrorAnswer},
    summary="Whether policies may use the network",
)
def get_network(request: HttpRequest, workspace: WorkspaceSlug) -> NetworkAnswer:
    """And which of them ask for it."""
    return _answer(workspace_named(person(request), workspace))


@router.patch(
    "/workspaces/{workspace}/network",
    response={200: NetworkAnswer, 403: ErrorAnswer, 404: ErrorAnswer},
    summary="Permit or forbid the network to policies",
)
def set_network(request: HttpRequest, workspace: WorkspaceSlug, wanted: NetworkWanted) -> NetworkAnswer:
    """It takes the role admin. From the next evaluation on, policies that ask for the network get it or are errored."""
    found = workspace_named(person(request), workspace)
    require(person(request), Action.MANAGE_POLICIES, found)
    change = services.permit if wanted.permitted else services.forbid
    change(found, by=actor(request))
    return _answer(found)


def _answer(workspace: Workspace) -> NetworkAnswer:
    permission = NetworkPermission.objects.filter(workspace=workspace).first()
    return NetworkAnswer(
        workspace=workspace.slug,
        permitted=permission is not None,
        permitted_by=permission.by if permission is not None else "",
        permitted_at=permission.created_at if permission is not None else None,
        asking=[policy.slug for policy in services.asking(workspace)],
    )
