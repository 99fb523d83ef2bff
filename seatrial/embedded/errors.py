"""Errors that keep the embedded platform from running.

EmbeddedError
├── CannotRun          something about this machine is in the way; `fix` says what to do
├── PortTaken          a port we must have is somebody else's
└── ComponentFailed    one of our processes did not become ready; the text holds its last words
"""


class EmbeddedError(Exception):
    """One sentence of what is wrong, and the fix."""

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


class CannotRun(EmbeddedError):
    """Something about this machine is in the way."""


class PortTaken(EmbeddedError):
    """A port we must have is somebody else's."""


class ComponentFailed(EmbeddedError):
    """One of our processes did not become ready."""
