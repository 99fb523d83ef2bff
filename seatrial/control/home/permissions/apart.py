"""What takes no action of a role."""

from enum import StrEnum


class Apart(StrEnum):
    """Doors that are apart from the roles of a workspace."""

    OPEN = "no sign-in"  # what proves a right is in the request, or there is nothing to hide
    OWN = "one's own"  # of whoever is signed in, and of nobody else; a token with scopes is refused
    WHOLE_AUDIT = "view the whole audit log"  # the instance admin alone
