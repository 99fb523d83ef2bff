"""Errors that keep the embedded platform from running.

EmbeddedError
├── CannotRun          something about this machine is in the way; `fix` says what to do
├── PortTaken          another program uses a port that we need
└── ComponentFailed    one of our processes did not become ready; the text holds the last lines of its log
"""


class EmbeddedError(Exception):
    """The root: one sentence about the problem, and the fix."""

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


class CannotRun(EmbeddedError):
    """Something about this machine is in the way."""


class PortTaken(EmbeddedError):
    """Another program uses a port that we need."""


class ComponentFailed(EmbeddedError):
    """One of our processes did not become ready."""
