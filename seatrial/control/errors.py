"""The control plane's errors: one tree, in which each app has a branch of its own.

ControlError
├── VaultError      vault.errors
├── OutboxError     outbox.errors
├── AccessDenied    accounts.access
├── LastOwner       accounts.members
├── Unanswerable    accounts.admission.invitations
├── ProviderError   accounts.providers.problems
├── ProjectError    projects.errors
├── ForgeError      forges.errors
├── FleetError      fleet.errors
├── PreviewError    previews.errors
├── EntranceError   entrance.errors
├── VariableError   variables.errors
├── RegistryLoginError  registries.errors
├── TunnelError     tunnels.errors
├── NotSignedIn     tunnels.granting
├── PolicyError     policies.errors
├── InstallationError  installation.errors
├── BusRefused      bus
├── AirGapped       outbound
├── UnfitAuthorities authorities
├── AirgapError     airgap.errors
├── TraefikAway     worker.traefik
├── NotGranted      worker.grants
├── NotGiven        worker.giving
├── NotVisited      triggers.visiting
├── LinesUnread     triggers.last_lines
├── NotFound        it does not exist, or the person who asks may not see it
└── Unexpected      anything else: a bug

Errors that libraries raise because something does not answer are not wrapped; they are caught where they matter: the
database's (`database_errors.AWAY`), the bus's (`nats.errors.Error`), and `WireError` for messages from the bus that
cannot be read. `api` and `error_pages` turn all of them into answers. A process that cannot start ends with
`start.CannotStart`. `policies.refs.NotMatchedYet` is no error, and nobody handles it as one: it ends a transaction that is
run again.
"""

from typing import ClassVar

import structlog

from seatrial.wire.envelope import new_id

log = structlog.get_logger(__name__)


class ControlError(Exception):
    """`code` is a stable word, for programs; the message says what is wrong, where, and the fix.

    `status` is the HTTP status of the answer, unless code on the way chooses another.
    """

    code: str = "control_error"
    status: int = 500


class NotFound(ControlError):
    """It does not exist, or it is hidden from the person who asks: both look the same."""

    code = "not_found"
    status = 404


class Unexpected(ControlError):
    """An exception that nobody expected. Its cause is only in the log, under `reference`, which a person can quote."""

    code = "internal"
    TEXT: ClassVar = (
        "Something failed on the server (reference {}). Its log has the details under that reference."
    )

    def __init__(self) -> None:
        self.reference = new_id()
        super().__init__(self.TEXT.format(self.reference))


def unexpected(cause: BaseException | None, path: str) -> Unexpected:
    """Log `cause` under a new reference, and return the error to answer with."""
    error = Unexpected()
    log.error("unexpected error", reference=error.reference, path=path, exc_info=cause)
    error.__cause__ = cause
    return error
