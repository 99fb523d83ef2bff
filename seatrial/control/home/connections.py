"""What the start page says about connections: what to do next in an empty workspace, and credentials that end."""

from collections.abc import Hashable
from typing import Any

from django.utils import timezone

from seatrial.control.accounts.access import Action, allowed_somewhere, visible
from seatrial.control.accounts.models import User
from seatrial.control.forges.account_answers import WARNED_BEFORE
from seatrial.control.forges.models import Account
from seatrial.control.forges.registry import FORGES
from seatrial.control.projects.models import Connection, Project


def connections_context(user: User) -> dict[str, Any]:
    """`unfinished`: the newest connection to a code host, while nothing of the workspaces is under trial."""
    any_project = visible(user, Project).filter(archived_at=None).exists()
    return {
        "may_connect": allowed_somewhere(user, Action.MANAGE_CONNECTIONS),
        "unfinished": None if any_project else _hosted(user).order_by("-id").first(),
        "ending": [(one.connection, one) for one in _ending(user)],
    }


def connections_fingerprint(user: User) -> Hashable:
    """Changes whenever the above does."""
    return (
        visible(user, Project).filter(archived_at=None).exists(),
        tuple(_hosted(user).order_by("-id").values_list("pk", "name")[:1]),
        tuple(_ending(user).values_list("pk", "connection__name", "expires_at")),
    )


def _hosted(user: User) -> Any:
    hosted = [kind for kind, one in FORGES.items() if one.hosting is not None]
    return visible(user, Connection).filter(forge__in=hosted, removal_asked_at=None)


def _ending(user: User) -> Any:
    ends = timezone.now() + WARNED_BEFORE
    rows = Account.objects.filter(connection__in=_hosted(user), expires_at__lte=ends)
    return rows.select_related("connection").order_by("expires_at", "pk")
