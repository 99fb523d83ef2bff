"""What the control plane can fail with: one tree, and each app's own hangs under its root.

ControlError
├── VaultError      vault.errors
├── OutboxError     outbox.errors
├── AccessDenied    accounts.access
├── ProjectError    projects.errors
├── ForgeError      forges.errors
├── FleetError      fleet.errors
├── PreviewError    previews.errors
├── PolicyError     policies.errors
├── BusRefused      bus
├── AirGapped       outbound
├── TraefikAway     worker.traefik
├── NotGranted      worker.grants
├── NotFound        what is asked for is not there, or is not for the asker to see
└── Unexpected      anything else, which is a mistake of ours

What libraries raise because something is away stays theirs and is told apart where it is met: the database's errors
(`database_errors.AWAY`), the bus's (`nats.errors.Error`), and `WireError` for what comes from outside over the bus.
`api` and `error_pages` make answers of all of them; a process that cannot start ends with `start.CannotStart`.
"""

from typing import ClassVar

import structlog

from seatrial.wire.envelope import new_id

log = structlog.get_logger(__name__)


class ControlError(Exception):
    """`code` is a stable word, for programs; the message says what is wrong, where, and the fix.

    `status` is what HTTP answers when nobody on the way knew better.
    """

    code: str = "control_error"
    status: int = 500


class NotFound(ControlError):
    """What is hidden from somebody and what does not exist look the same."""

    code = "not_found"
    status = 404


class Unexpected(ControlError):
    """No error of ours. Its cause is for the log alone; `reference` is what a person can quote to find it there."""

    code = "internal"
    TEXT: ClassVar = (
        "Something failed on the server (reference {}). Its log has the details under that reference."
    )

    def __init__(self) -> None:
        self.reference = new_id()
        super().__init__(self.TEXT.format(self.reference))


def unexpected(cause: BaseException | None, path: str) -> Unexpected:
    """The error to answer with, after its cause went to the log under its reference."""
    error = Unexpected()
    log.error("unexpected error", reference=error.reference, path=path, exc_info=cause)
    error.__cause__ = cause
    return error
