"""Policies by their address or id, for somebody who may see them."""

from django.db.models import Prefetch, QuerySet

from seatrial.control.accounts.access import Action, find_visible, require, visible
from seatrial.control.accounts.models import User, Workspace
from seatrial.control.errors import NotFound
from seatrial.control.policies.models import Policy, PolicyVersion


def policy_at(user: User, workspace: str, slug: str, action: Action = Action.VIEW) -> Policy:
    """The policy with these slugs. Raises NotFound, AccessDenied."""
    rows = with_newest(visible(user, Policy))
    row = rows.filter(workspace__slug=workspace.replace("\x00", ""), slug=slug.replace("\x00", "")).first()
    if row is None:
        raise NotFound(f"There is no policy {slug} in a workspace {workspace}.")
    require(user, action, row)
    return row


def policy_with(user: User, key: str, action: Action = Action.VIEW) -> Policy:
    """The policy with this id. Raises NotFound, AccessDenied."""
    row = find_visible(user, Policy, key, "workspace")
    require(user, action, row)
    return row


def with_newest(rows: QuerySet[Policy]) -> QuerySet[Policy]:
    """Each with its workspace, and what `newest_of` needs."""
    newest = PolicyVersion.objects.order_by("policy", "-number").distinct("policy")
    return rows.select_related("workspace").prefetch_related(
        Prefetch("versions", newest, to_attr="newest_alone")
    )


def newest_of(policy: Policy) -> PolicyVersion:
    """Its newest version, of a policy that was found here. Raises NotFound."""
    version: PolicyVersion | None = next(iter(getattr(policy, "newest_alone", [])), None)
    if version is None:
        raise NotFound(f"The policy {policy.slug} has no version yet.")
    return version


def managed(user: User, slug: str) -> Workspace:
    """The workspace with this slug, whose policies `user` may change. Raises NotFound, AccessDenied."""
    row = visible(user, Workspace).filter(slug=slug.replace("\x00", "")).first()
    if row is None:
        raise NotFound(f"There is no workspace {slug}.")
    require(user, Action.MANAGE_POLICIES, row)
    return row
