"""Why a row of the outbox was not sent: raised by the `send` functions that are passed to it.

OutboxError
├── Away     the bus does not answer: the row is not the cause
└── NotYet   the receiver asked us to send this row later
"""

from seatrial.control.errors import ControlError


class OutboxError(ControlError):
    """A message that was not sent."""

    code = "not_sent"
    status = 503


class Away(OutboxError):
    """The bus does not answer."""


class NotYet(OutboxError):
    """The receiver asked us not to send this row before `seconds` have passed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"not before {seconds:.0f} s have passed")
        self.seconds = seconds
