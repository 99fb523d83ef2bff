"""Writing the audit log. Nothing else writes it and nothing changes it."""

from typing import Any, Self

from seatrial.control.audit.models import AuditEntry


class Actor(str):
    """The name of who does something, and the address they did it from: fit for every `by` and `actor`."""

    __slots__ = ("address",)
    address: str | None

    def __new__(cls, name: str, address: str | None = None) -> Self:
        """A string as any other."""
        made = super().__new__(cls, name)
        made.address = address
        return made


def record(
    action: str,
    target: str,
    *,
    actor: str = "system",
    workspace: str = "",
    address: str | None = None,
    details: dict[str, Any] | None = None,
) -> AuditEntry:
    """Add one entry, in the caller's transaction: what was rolled back was not done, and is not recorded.

    `action` is noun.verb, `target` is noun/id. `details` must not hold secrets. An Actor brings its address along.
    """
    return AuditEntry.objects.create(
        actor=actor[:200],
        action=action,
        target=target[:200],
        workspace=workspace,
        address=address or (actor.address if isinstance(actor, Actor) else None),
        details=details or {},
    )
