"""Who may withdraw a waiver: whoever asked for it, and whoever may decide about it."""

from seatrial.control.accounts.access import Action, allowed, require
from seatrial.control.accounts.models import User
from seatrial.control.policies.models import Waiver
from seatrial.wire.states import WaiverState


def withdrawable(user: User, waiver: Waiver) -> bool:
    """Whether there is something to withdraw, and this user may."""
    return WaiverState(waiver.state).open and (
        _asked(user, waiver) or allowed(user, Action.DECIDE_WAIVER, waiver)
    )


def require_withdrawal(user: User, waiver: Waiver) -> None:
    """Return if the user may withdraw it; else raise AccessDenied."""
    if not _asked(user, waiver):
        require(user, Action.DECIDE_WAIVER, waiver)


def _asked(user: User, waiver: Waiver) -> bool:
    """Not those that are only known by the same name: withdrawing takes something away from others."""
    return waiver.requester_id == user.pk and allowed(user, Action.REQUEST_WAIVER, waiver)
