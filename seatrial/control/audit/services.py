"""Writing the audit log. Nothing else writes it and nothing changes it."""

from typing import Any

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry


def record(
    action: str,
    target: str,
    *,
    by: Actor,
    workspace: str = "",
    details: dict[str, Any] | None = None,
) -> AuditEntry:
    """Add one entry, in the caller's transaction: when that is rolled back, so is the entry.

    `action` is noun.verb, `target` is noun/id. `details` must not hold secrets.
    """
    return AuditEntry.objects.create(
        actor=str(by)[:200],
        actor_kind=by.kind,
        actor_key=by.id,
        action=action,
        target=target[:200],
        workspace=workspace,
        address=by.address,
        details=details or {},
    )
