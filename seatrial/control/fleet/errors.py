"""What can go wrong with agents.

FleetError
├── UnfitName          no name for an agent
├── CannotSign         this server lacks what agents' credentials are signed with; nothing wrong with the agent
├── BootstrapRefused   the token is unknown, expired or used: the agent must be given another
├── UnfitKey           nothing can be sealed to an agent's key
└── IdentityBroken     files of the bus's identity do not belong together: some were lost
"""

from seatrial.control.errors import ControlError


class FleetError(ControlError):
    """Something about an agent, or about what agents join with."""

    code = "fleet_error"
    status = 400


class UnfitName(FleetError):
    """No name for an agent; the message says what is one."""


class BootstrapRefused(FleetError):
    """Not a token that lets anybody join."""

    status = 403

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class CannotSign(FleetError):
    """Agents may ask again once an operator has mended it."""

    code = "cannot_sign"
    status = 503


class UnfitKey(FleetError):
    """An agent registered with what is no key, or one that opens for everybody."""

    code = "unfit_key"


class IdentityBroken(FleetError):
    """Going on would make an identity under which nothing that was issued is worth anything."""

    status = 500
