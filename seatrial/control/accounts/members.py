"""Members of a workspace: another role, and how they go. `admission.invitations` says how they come.

A workspace always has an owner. Whatever changes that takes the workspace's row first, so two who leave at once do so one after
the other.
"""

from django.db import transaction
from django.db.models import QuerySet
from django.dispatch import Signal

from seatrial.control.accounts.access import Action, require, workspace_named
from seatrial.control.accounts.models import Membership, Role, User, Workspace
from seatrial.control.accounts.services import set_role
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.errors import ControlError, NotFound

MOST_NAME = 150  # characters of a username

# Somebody is no member any more: sent with `workspace` and `user`, in the transaction. Apps above end what they had there.
left = Signal()


class LastOwner(ControlError):
    """A workspace without an owner could be managed by nobody."""

    code = "last_owner"
    status = 409


def managed(user: User, slug: str) -> Workspace:
    """The workspace, for somebody who manages its members. Raises NotFound, AccessDenied."""
    workspace = workspace_named(user, slug.replace("\x00", "-")[:MOST_NAME])
    require(user, Action.MANAGE_MEMBERS, workspace)
    return workspace


def needed(role: str) -> Action:
    """What it takes to give or take this role: nobody lets in, or shuts out, somebody with more rights than their own."""
    return Action.MANAGE_WORKSPACE if role == Role.OWNER else Action.MANAGE_MEMBERS


def of(workspace: Workspace) -> QuerySet[Membership]:
    """Everybody in it, by name."""
    return workspace.memberships.select_related("user").order_by("user__username")


def one_of(workspace: Workspace, username: str) -> Membership:
    """The member of this name. Raises NotFound."""
    found = of(workspace).filter(user__username=username.replace("\x00", "")).first()
    if found is None:
        raise NotFound(f"{username[:MOST_NAME]} is no member of {workspace}.")
    return found


@transaction.atomic
def change_role(workspace: Workspace, username: str, role: Role, *, asking: User, by: Actor) -> Membership:
    """Give a member another role, which counts at once. Raises NotFound, AccessDenied, LastOwner."""
    _lock(workspace)
    membership = one_of(workspace, username)
    for one in (membership.role, role):
        require(asking, needed(one), workspace)
    if membership.role == role:
        return membership
    if role != Role.OWNER:
        _keep_an_owner(membership)
    changed = set_role(workspace, membership.user, role, by=by)
    changed.user = membership.user
    return changed


@transaction.atomic
def remove(workspace: Workspace, username: str, *, asking: User, by: Actor) -> Membership:
    """End a membership at once. Raises NotFound, AccessDenied, LastOwner."""
    _lock(workspace)
    membership = one_of(workspace, username)
    require(asking, needed(membership.role), workspace)
    return _end(membership, "member.remove", by)


@transaction.atomic
def leave(user: User, slug: str, *, by: Actor) -> Membership:
    """End one's own membership. Raises NotFound, LastOwner."""
    mine = user.memberships.filter(workspace__slug=slug.replace("\x00", "")).first()
    if mine is None:
        raise NotFound(f"You are in no workspace {slug[:MOST_NAME]}.")
    _lock(mine.workspace)
    return _end(one_of(mine.workspace, user.username), "member.leave", by)


def _end(membership: Membership, action: str, by: Actor) -> Membership:
    _keep_an_owner(membership)
    workspace, user = membership.workspace, membership.user
    details = {"role": membership.role}
    audit.record(action, f"user/{user.username}", by=by, workspace=workspace.pk, details=details)
    Membership.objects.filter(pk=membership.pk).delete()
    left.send(Membership, workspace=workspace, user=user)
    return membership


def _keep_an_owner(membership: Membership) -> None:
    owners = membership.workspace.memberships.filter(role=Role.OWNER, user__is_active=True)
    if membership.role == Role.OWNER and not owners.exclude(pk=membership.pk).exists():
        fix = "Make somebody else an owner first."
        raise LastOwner(f"{membership.user} is the only owner of {membership.workspace}. {fix}")


def _lock(workspace: Workspace) -> None:
    Workspace.objects.select_for_update().get(pk=workspace.pk)
