"""What can go wrong with agents.

FleetError
├── UnfitName          not a valid name for an agent
├── UnfitToken         a preset bootstrap token that could be guessed
├── CannotSign         this server has no key to sign agents' credentials with; the agent did nothing wrong
├── BootstrapRefused   the token is unknown, expired or used: the agent needs another one
├── AgentRevoked       nothing can be asked of an agent that is cut off
├── StillThere         an agent that runs, or on which something may run, is not removed
├── UnfitKey           nothing can be sealed to an agent's key
├── NoSurvey           an agent does not say what its host is like
└── IdentityBroken     files of the bus's identity do not belong together: some were lost
"""

from seatrial.control.errors import ControlError


class FleetError(ControlError):
    """A problem with an agent, or with what agents need to join."""

    code = "fleet_error"
    status = 400


class UnfitName(FleetError):
    """Not a valid name for an agent; the message says what is."""


class UnfitToken(FleetError):
    """A bootstrap token that somebody chose is not one of those that we make; the message says how to make one."""

    code = "unfit_token"


class BootstrapRefused(FleetError):
    """This bootstrap token does not let anybody join; the message says why."""

    status = 403

    def __init__(self, code: str, message: str, *, name: str = "") -> None:
        """`name`: whose token it is, if it is anybody's."""
        super().__init__(message)
        self.code, self.name = code, name


class CannotSign(FleetError):
    """This server cannot sign credentials. Agents may ask again after an operator has fixed it."""

    code = "cannot_sign"
    status = 503


class AgentRevoked(FleetError):
    """The agent is cut off for good; the message says what was not done."""

    code = "agent_revoked"
    status = 409


class StillThere(FleetError):
    """The agent may still run something; the message says what to do before it is removed."""

    code = "agent_still_there"
    status = 409


class UnfitKey(FleetError):
    """Nothing can be sealed to the key that an agent registered: it is not a key, or not a safe one."""

    code = "unfit_key"


class NoSurvey(FleetError):
    """The agent gave no survey; the message says why, as the end of a sentence about the agent."""

    code = "no_survey"
    status = 503


class IdentityBroken(FleetError):
    """Continuing would make a new identity, under which every credential issued so far is void."""

    status = 500
