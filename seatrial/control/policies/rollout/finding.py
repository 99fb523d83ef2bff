"""Policies by their id or their slug, for somebody who may do something with them."""

from seatrial.control.accounts.access import Action, require, visible
from seatrial.control.accounts.models import User
from seatrial.control.errors import NotFound
from seatrial.control.policies.models import Policy


def policy_of(user: User, key: str, workspace: str, action: Action = Action.VIEW) -> Policy:
    """The policy with this id, or with this slug in the workspace. Raises NotFound, AccessDenied."""
    key, workspace = key.replace("\x00", ""), workspace.replace("\x00", "")
    rows = visible(user, Policy).select_related("workspace")
    row = rows.filter(pk=key).first() or rows.filter(slug=key, workspace__slug=workspace).first()
    if row is None:
        raise NotFound(f"There is no policy {key} in a workspace {workspace}.")
    require(user, action, row)
    return row
