"""What can go wrong when somebody decides who gets into previews.

EntranceError
├── BadGate         a gate that cannot be: an address that is none, a password that is too short
├── NoToken         the project has no bypass token
├── NoGuests        this preview takes no guests
└── BadLink         a guest link cannot be valid for so long, or its note is too long
"""

from seatrial.control.errors import ControlError


class EntranceError(ControlError):
    """It was not done."""

    code = "entrance_error"
    status = 400


class BadGate(EntranceError):
    """Nothing was saved."""

    code = "bad_gate"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class NoToken(EntranceError):
    """There is no token to show or revoke."""

    code = "no_bypass_token"
    status = 404

    def __init__(self) -> None:
        super().__init__("This project has no bypass token. Rotate makes one.")


class NoGuests(EntranceError):
    """A link would let nobody in, or everybody gets in without one."""

    code = "no_guests"
    status = 409


class BadLink(EntranceError):
    """No link was made."""

    code = "bad_guest_link"
