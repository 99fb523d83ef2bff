"""What can go wrong with agents.

FleetError
├── CannotSign         this server lacks what agents' credentials are signed with; nothing wrong with the agent
├── BootstrapRefused   the token is unknown, expired or used: the agent must be given another
└── IdentityBroken     files of the bus's identity do not belong together: some were lost
"""


class FleetError(Exception):
    """`code` is a stable word; the message says what to do."""

    code = "fleet_error"


class BootstrapRefused(FleetError):
    """Not a token that lets anybody join."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class CannotSign(FleetError):
    """Agents may ask again once an operator has mended it."""

    code = "cannot_sign"


class IdentityBroken(FleetError):
    """Going on would make an identity under which nothing that was issued is worth anything."""
