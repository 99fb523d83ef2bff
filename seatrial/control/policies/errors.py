"""What can go wrong with policies.

PolicyError
├── BadCriteria   the criteria cannot be understood; the message names the key and the fix
└── NoSuchPack    there is no such pack; the message names those that there are
"""

from seatrial.control.errors import ControlError


class PolicyError(ControlError):
    """A policy or a pack cannot be used as it was asked for."""

    code = "policy_error"
    status = 400


class BadCriteria(PolicyError):
    """The criteria cannot be understood."""

    code = "bad_criteria"


class NoSuchPack(PolicyError):
    """No pack of this name comes with the platform."""

    code = "no_such_pack"
