"""Makes connections. It is here because only this app knows which kinds of forge there are."""

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit.actors import SYSTEM, Actor
from seatrial.control.forges.registry import registered
from seatrial.control.projects.models import Connection
from seatrial.control.projects.services import ensure_connection


def connect(
    workspace: Workspace,
    kind: str,
    name: str,
    *,
    webhook_secret: str,
    base_url: str = "",
    by: Actor = SYSTEM,
) -> Connection:
    """`projects.services.ensure_connection`, for a kind of forge that is registered. Raises NoSuchForge."""
    return ensure_connection(
        workspace,
        registered(kind).kind,
        name,
        webhook_secret=webhook_secret,
        base_url=base_url,
        by=by,
    )
