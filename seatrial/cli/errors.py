"""The errors with which a command ends: one message, one fix, one exit code."""

OK, NEGATIVE, USAGE, INTERRUPTED = 0, 1, 2, 130


class CommandError(Exception):
    """Shown as `seatrial: <message>` and, on a line of its own, the fix. `word` is the stable one for programs."""

    def __init__(
        self, message: str, *, fix: str = "", code: int = USAGE, word: str = "command_failed"
    ) -> None:
        super().__init__(message)
        self.fix = fix
        self.code = code
        self.word = word


class Interrupted(Exception):
    """The user pressed Ctrl-C while the command was waiting. The text says what keeps running and how to stop it."""


class Disappointed(Exception):
    """The command did its work and has shown the outcome, which is not the one that was hoped for.

    The text says it in one line, for those who have asked for JSON and see nothing else.
    """

    def __init__(self, message: str, *, code: int = NEGATIVE) -> None:
        super().__init__(message)
        self.code = code
