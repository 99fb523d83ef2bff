"""What can go wrong with policies.

PolicyError
├── BadCriteria   the criteria cannot be understood; the message names the key and the fix
└── NoSuchPack    there are others; the message names them
"""

from seatrial.control.errors import ControlError


class PolicyError(ControlError):
    """A policy that cannot be kept or chosen as asked."""

    code = "policy_error"
    status = 400


class BadCriteria(PolicyError):
    """The criteria cannot be understood."""

    code = "bad_criteria"


class NoSuchPack(PolicyError):
    """No pack of this name comes with the platform."""

    code = "no_such_pack"
