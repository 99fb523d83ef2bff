"""Errors of the conversation with code hosts.

ForgeError
├── UnreadablePayload   a webhook body that does not have the shape of its event
├── UnknownConnection   a webhook's address that leads to no connection
├── TooManyConnections  a webhook's address that names none, where there are too many to try
├── NoSuchForge         a kind of forge that this release does not speak to
├── UnfitConnection     what somebody entered cannot be a connection
├── NotAuthorized       somebody was to authorize this server at a forge, and it did not come to that
├── AuthorizeAgain      the forge takes no token of the connection's authorization any more
├── Moved               the name of a project's repository leads elsewhere
├── Limited             the forge accepts no request of this urgency now
├── CredentialRefused   the forge does not accept what the connection signs in with
├── NotReplayable       a delivery that cannot be handled once more, or not now
├── ConnectionInUse     a connection with projects is only removed together with them
└── RepositoryProblem   the local forge cannot use a directory or a branch; the message says what to do
"""

from seatrial.control.errors import ControlError
from seatrial.wire.counted import counted


class ForgeError(ControlError):
    """A problem with a code host. The message tells a user what to do.

    `permanent`: repeating the request cannot help. `retry_after_seconds`: how long the forge asked us to wait. `heard`: the
    forge may have done what it was asked, although we did not hear so.
    """

    code = "forge_error"
    status = 400
    permanent = False

    def __init__(
        self,
        message: str,
        *,
        permanent: bool | None = None,
        retry_after_seconds: float = 0,
        heard: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.permanent = type(self).permanent if permanent is None else permanent
        self.heard = not self.permanent if heard is None else heard
        self.retry_after_seconds = retry_after_seconds


class UnreadablePayload(ForgeError):
    """The body is not JSON, or does not have the shape of its event."""


class NoSuchForge(ForgeError):
    """This release does not speak to this kind of forge."""

    code = "unknown_forge"
    status = 404
    permanent = True


class UnfitConnection(ForgeError):
    """What was entered cannot be a connection; the message says what to change."""

    code = "unfit_connection"
    permanent = True


class NotAuthorized(ForgeError):
    """Nobody authorized this server at the forge. `title` is what happened, the message also what to do."""

    code = "not_authorized"
    permanent = True

    def __init__(self, title: str, fix: str) -> None:
        super().__init__(f"{title}. {fix}")
        self.title = title
        self.fix = fix


class AuthorizeAgain(ForgeError):
    """The connection's authorization has ended. What waits is done once somebody has authorized it again."""

    code = "authorize_again"
    status = 409


class Moved(ForgeError):
    """The repository has another name now, or another repository has its name. It may pass: it is looked for by its number."""

    code = "repository_moved"
    status = 409

    def __init__(self, full_name: str) -> None:
        super().__init__(
            f"{full_name} is not the name of the project's repository any more. Seatrial looks for it by its number, every "
            "minute; if it was deleted, archive or remove the project"
        )


class Limited(ForgeError):
    """This request was not sent, because the forge accepts only so many; the message says until when it waits."""

    code = "forge_limited"
    status = 429

    def __init__(self, message: str, wait: float) -> None:
        super().__init__(message, retry_after_seconds=wait, heard=False)


class CredentialRefused(ForgeError):
    """401: the credential is unknown, revoked, or has ended. It may pass: somebody can enter another one."""

    code = "credential_refused"

    def __init__(self, host: str, path: str) -> None:
        super().__init__(
            f"{host} does not accept the credential: it answers 401 for {path}. It was revoked, has ended, or was "
            "not entered whole. Make another one there, and enter it under Settings, Git connection",
            heard=False,
        )


class ConnectionInUse(ForgeError):
    """The connection has projects."""

    code = "connection_in_use"
    status = 409
    permanent = True

    def __init__(self, name: str, projects: int) -> None:
        super().__init__(
            f"{name} has {counted(projects, 'project')}. Remove {'it' if projects == 1 else 'them'} first, or type the "
            "connection's name to remove everything together."
        )


class UnknownConnection(ForgeError):
    """No connection has this webhook address."""

    code = "unknown_connection"
    status = 404
    permanent = True

    def __init__(self) -> None:
        super().__init__(
            "No connection has this webhook address. Copy the address from the connection's page."
        )


class TooManyConnections(ForgeError):
    """A webhook's address that names no connection, on a server that has too many to try."""

    code = "too_many_connections"
    status = 404
    permanent = True

    def __init__(self, most: int) -> None:
        super().__init__(
            f"This address names no connection, and there are more than {most} to try. Use the one on the connection's page."
        )


class NotReplayable(ForgeError):
    """A delivery that cannot be handled once more, or not now."""

    code = "not_replayable"
    status = 409
    permanent = True


class RepositoryProblem(ForgeError):
    """A directory or branch that cannot be used. `code` is stable, for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
