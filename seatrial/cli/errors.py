"""The errors with which a command ends: one message, one fix, one exit code."""

OK, NEGATIVE, USAGE, INTERRUPTED = 0, 1, 2, 130


class CommandError(Exception):
    """Shown as `seatrial: <message>` and, on a line of its own, the fix."""

    def __init__(self, message: str, *, fix: str = "", code: int = USAGE) -> None:
        super().__init__(message)
        self.fix = fix
        self.code = code


class Interrupted(Exception):
    """The user pressed Ctrl-C while the command was waiting. The text says what keeps running and how to stop it."""
