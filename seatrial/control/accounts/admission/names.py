"""Names for people who come for the first time."""

import re

from seatrial.control.accounts.models import User
from seatrial.control.accounts.providers.identity import Identity

UNFIT = re.compile(r"[^\w.+-]+")
LONGEST = 140  # of 150, so that a number fits behind it


def free(identity: Identity) -> str:
    """The login, or the part of an address before the @, with a number behind it if somebody here has that name."""
    wanted = UNFIT.sub("-", identity.login.partition("@")[0])[:LONGEST].strip("-") or "person"
    taken = {
        name.lower()
        for name in User.objects.filter(username__istartswith=wanted).values_list("username", flat=True)
    }
    number, name = 1, wanted
    while name.lower() in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name
