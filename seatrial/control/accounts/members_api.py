"""REST: the members of a workspace, invitations to it, and one's own memberships."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Path, Router, Schema
from pydantic import Field as Checked

from seatrial.control.accounts import members
from seatrial.control.accounts.access import find_visible, require, require_whole, visible
from seatrial.control.accounts.admission import invitations
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import Invitation, Membership, Role, User
from seatrial.control.answers import ErrorAnswer
from seatrial.control.errors import NotFound

router = Router(tags=["members"])
WorkspaceSlug = Annotated[str, Path(description="Slug of a workspace that you are in.")]
Username = Annotated[str, Path(description="Username of a member.")]
InvitationId = Annotated[str, Path(description="Id of an invitation.")]
REFUSED = {403: ErrorAnswer, 404: ErrorAnswer}
UNFIT = {400: ErrorAnswer, 409: ErrorAnswer, **REFUSED}
ROLES = ", ".join(Role)


class RoleWanted(Schema):
    """Another role."""

    role: Role = Checked(description=f"{ROLES}. Only owners make owners, and change what an owner is.")


class InvitationWanted(Schema):
    """Whom to invite."""

    account: str = Checked(
        min_length=1,
        max_length=300,
        description="A username of this server, or an account of a provider such as github:octocat.",
    )
    role: Role = Checked(Role.DEVELOPER, description=f"{ROLES}. Only owners invite owners.")


class MemberAnswer(Schema):
    """Somebody in a workspace."""

    username: str = Field(description="Their username.")
    workspace: str = Field(description="The workspace's slug.")
    role: str = Field(description=f"{ROLES}.")
    mapped: bool = Field(description="Whether AUTH_ROLE_MAP gives the role, anew at each sign-in.")
    by: str = Field(description="Who let them in; empty where that is not known.")
    since: datetime | None = Field(description="Since when they are a member; null where that is not known.")
    active: bool = Field(description="Whether their account is open.")


class InvitationAnswer(Schema):
    """An invitation to a workspace."""

    id: str = Field(description="Its id.")
    account: str = Field(description="Whom it is for: here:NAME, or the account of a provider.")
    workspace: str = Field(description="The workspace's slug.")
    role: str = Field(description="What they become.")
    by: str = Field(description="Who invites; empty where that is not known.")
    created_at: datetime = Field(description="When it was made first.")
    expires_at: datetime = Field(description="Until when it may be accepted.")
    accepted_at: datetime | None = Field(description="When it was accepted; null: it was not.")


@router.get(
    "/workspaces/{workspace}/members",
    response={200: list[MemberAnswer], **REFUSED},
    summary="List the members of a workspace",
)
def list_members(request: HttpRequest, workspace: WorkspaceSlug) -> list[MemberAnswer]:
    """By name. It takes the role admin."""
    return [_member(row) for row in members.of(members.managed(person(request), workspace))]


@router.patch(
    "/workspaces/{workspace}/members/{username}",
    response={200: MemberAnswer, **UNFIT},
    summary="Give a member another role",
)
def change_role(
    request: HttpRequest, workspace: WorkspaceSlug, username: Username, wanted: RoleWanted
) -> MemberAnswer:
    """It takes the role admin, and counts at once. AUTH_ROLE_MAP leaves it alone afterwards. The last owner stays one."""
    user = person(request)
    found = members.managed(user, workspace)
    return _member(members.change_role(found, username, wanted.role, asking=user, by=actor(request)))


@router.delete(
    "/workspaces/{workspace}/members/{username}",
    response={200: MemberAnswer, **UNFIT},
    summary="Remove a member",
)
def remove_member(request: HttpRequest, workspace: WorkspaceSlug, username: Username) -> MemberAnswer:
    """It takes the role admin, and counts at once: pages that are open, tokens, tunnels and guest links end."""
    user = person(request)
    found = members.managed(user, workspace)
    return _member(members.remove(found, username, asking=user, by=actor(request)))


@router.get(
    "/workspaces/{workspace}/invitations",
    response={200: list[InvitationAnswer], **REFUSED},
    summary="List the invitations to a workspace",
)
def list_invitations(request: HttpRequest, workspace: WorkspaceSlug) -> list[InvitationAnswer]:
    """Newest first, with those that were accepted or came too late, as long as they are kept. It takes the role admin."""
    found = members.managed(person(request), workspace)
    rows = visible(person(request), Invitation).filter(workspace=found)
    return [_invitation(row) for row in rows.select_related("workspace").order_by("-id")]


@router.post(
    "/workspaces/{workspace}/invitations",
    response={200: InvitationAnswer, **UNFIT},
    summary="Invite somebody to a workspace",
)
def invite(request: HttpRequest, workspace: WorkspaceSlug, wanted: InvitationWanted) -> InvitationAnswer:
    """It takes the role admin. They have a week to accept, and are no member before they do."""
    found = members.managed(person(request), workspace)
    made = invitations.invite_account(
        wanted.account, found, wanted.role, asking=person(request), by=actor(request)
    )
    return _invitation(made)


@router.delete(
    "/workspaces/{workspace}/invitations/{invitation}",
    response={200: InvitationAnswer, **REFUSED},
    summary="Take an invitation back",
)
def revoke_invitation(
    request: HttpRequest, workspace: WorkspaceSlug, invitation: InvitationId
) -> InvitationAnswer:
    """It takes the role admin. Whoever came in by it stays a member, and may have no other way to sign in."""
    found = members.managed(person(request), workspace)
    row = find_visible(person(request), Invitation, invitation, "workspace")
    if row.workspace != found:
        raise NotFound(f"{found} has no invitation {row.pk}.")
    require(person(request), members.needed(row.role), found)
    said = _invitation(row)
    invitations.revoke(row, by=actor(request))
    return said


@router.get(
    "/memberships", response={200: list[MemberAnswer], 403: ErrorAnswer}, summary="List your memberships"
)
def list_memberships(request: HttpRequest) -> list[MemberAnswer]:
    """By workspace."""
    rows = _whole(request).memberships.select_related("user", "workspace").order_by("workspace__slug")
    return [_member(row) for row in rows]


@router.delete("/memberships/{workspace}", response={200: MemberAnswer, **UNFIT}, summary="Leave a workspace")
def leave(request: HttpRequest, workspace: WorkspaceSlug) -> MemberAnswer:
    """It counts at once. The last owner stays."""
    return _member(members.leave(_whole(request), workspace, by=actor(request)))


@router.get(
    "/invitations",
    response={200: list[InvitationAnswer], 403: ErrorAnswer},
    summary="List the invitations that you may answer",
)
def list_own_invitations(request: HttpRequest) -> list[InvitationAnswer]:
    """The newest first."""
    return [_invitation(row) for row in invitations.of(_whole(request))]


@router.post(
    "/invitations/{invitation}/accept",
    response={200: InvitationAnswer, **REFUSED},
    summary="Accept an invitation",
)
def accept(request: HttpRequest, invitation: InvitationId) -> InvitationAnswer:
    """You become a member."""
    return _invitation(invitations.answer(_whole(request), invitation, accepts=True, by=actor(request)))


@router.post(
    "/invitations/{invitation}/decline",
    response={200: InvitationAnswer, **REFUSED},
    summary="Decline an invitation",
)
def decline(request: HttpRequest, invitation: InvitationId) -> InvitationAnswer:
    """It is gone."""
    return _invitation(invitations.answer(_whole(request), invitation, accepts=False, by=actor(request)))


def _whole(request: HttpRequest) -> User:
    user = person(request)
    require_whole(user, "manage memberships")
    return user


def _member(row: Membership) -> MemberAnswer:
    return MemberAnswer(
        username=row.user.username,
        workspace=row.workspace.slug,
        role=row.role,
        mapped=row.mapped,
        by=row.by,
        since=row.since,
        active=row.user.is_active,
    )


def _invitation(row: Invitation) -> InvitationAnswer:
    return InvitationAnswer(
        id=row.pk,
        account=str(row),
        workspace=row.workspace.slug,
        role=row.role,
        by=row.by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        accepted_at=row.accepted_at,
    )
