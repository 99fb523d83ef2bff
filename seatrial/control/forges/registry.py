"""Which kinds of forges this release speaks to: the one place a new forge is named in."""

from seatrial.control.forges.errors import NoSuchForge
from seatrial.control.forges.local.registration import LOCAL
from seatrial.control.forges.registration import Registration

FORGES: dict[str, Registration] = {
    LOCAL.kind: LOCAL,
}


def registered(kind: str) -> Registration:
    """What speaks to forges of `kind`. Raises NoSuchForge."""
    registration = FORGES.get(kind)
    if registration is None:
        raise NoSuchForge(
            f"This release does not speak to a forge of the kind {kind!r}. It speaks to: {', '.join(sorted(FORGES))}."
        )
    return registration
