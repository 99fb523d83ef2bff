"""How a `send` tells the outbox why a row did not go out.

OutboxError
├── Away     what carries the messages does not answer: no row is to blame
└── NotYet   this row is not wanted before some time has passed
"""

from seatrial.control.errors import ControlError


class OutboxError(ControlError):
    """A message that was not sent."""

    code = "not_sent"
    status = 503


class Away(OutboxError):
    """What carries the messages does not answer."""


class NotYet(OutboxError):
    """This row is not wanted before `seconds` have passed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"not before {seconds:.0f} s have passed")
        self.seconds = seconds
