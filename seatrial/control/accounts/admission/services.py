"""Decides at each sign-in through a provider whether that account may come in."""

from dataclasses import dataclass

from django.conf import settings

from seatrial.control.accounts.admission import invitations
from seatrial.control.accounts.admission.sessions import is_local
from seatrial.control.accounts.models import Invitation, User
from seatrial.control.accounts.providers.identity import Identity


@dataclass(frozen=True)
class Admission:
    """Why somebody may come in, and the invitations that they accept by it."""

    because: str
    invitations: tuple[Invitation, ...] = ()


def admit(identity: Identity, user: User | None) -> Admission | None:
    """The admission of whoever `identity` is, who has signed in as `user` before (None: never); None if they may not.

    Asked anew each time, so whoever has left an organisation or a group does not come in again. Lists are read first,
    invitations next. A person with a password of this server has an account that an admin made: what they linked to it
    themselves leads to it whatever the lists say.
    """
    accepted = tuple(invitations.open_to(identity))
    for listed in settings.CONFIGURATION.allowed:
        if identity.rank_in(listed) is not None:
            return Admission(str(listed), accepted)
    if accepted or invitations.accepted_by(identity):
        return Admission("invitation", accepted)
    if user is not None and is_local(user):
        return Admission("own account")
    return None
