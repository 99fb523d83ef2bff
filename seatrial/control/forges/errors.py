"""Errors of the conversation with code hosts.

ForgeError
├── UnreadablePayload   a webhook body that is not what its event promises
├── NoSuchForge         a connection to a kind of forge this release does not speak to
└── RepositoryProblem   the local forge cannot use a directory or a branch; the message says what to do
"""


class ForgeError(Exception):
    """Something about a code host, said so that a user can act on it."""


class UnreadablePayload(ForgeError):
    """Not JSON, or not the shape of the event it came as."""


class NoSuchForge(ForgeError):
    """This release does not speak to this kind of forge."""


class RepositoryProblem(ForgeError):
    """A directory or branch that cannot be used. `code` is stable, for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
