"""Errors of the conversation with code hosts.

ForgeError
├── UnreadablePayload   a webhook body that is not what its event promises
├── UnknownConnection   a webhook's address that leads to no connection
├── NoSuchForge         a kind of forge that this release does not speak to
└── RepositoryProblem   the local forge cannot use a directory or a branch; the message says what to do
"""

from seatrial.control.errors import ControlError


class ForgeError(ControlError):
    """Something about a code host, said so that a user can act on it.

    `permanent`: asking the same again cannot help. `retry_after_seconds`: the forge asked not to be asked before.
    """

    code = "forge_error"
    status = 400
    permanent = False

    def __init__(
        self, message: str, *, permanent: bool | None = None, retry_after_seconds: float = 0
    ) -> None:
        super().__init__(message)
        self.permanent = type(self).permanent if permanent is None else permanent
        self.retry_after_seconds = retry_after_seconds


class UnreadablePayload(ForgeError):
    """Not JSON, or not the shape of the event it came as."""


class NoSuchForge(ForgeError):
    """This release does not speak to this kind of forge."""

    code = "unknown_forge"
    status = 404
    permanent = True


class UnknownConnection(ForgeError):
    """No connection has this webhook address."""

    code = "unknown_connection"
    status = 404
    permanent = True

    def __init__(self) -> None:
        super().__init__(
            "No connection has this webhook address. Copy the address from the connection's page."
        )


class RepositoryProblem(ForgeError):
    """A directory or branch that cannot be used. `code` is stable, for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
