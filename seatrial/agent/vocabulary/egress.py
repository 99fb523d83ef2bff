"""Where the containers of a network may connect to, beyond the network itself."""

from enum import StrEnum


class Egress(StrEnum):
    """The more of them, the further. Their host, other networks of its engine and metadata services are out of reach with each."""

    NONE = "none"  # nowhere
    INTERNET = "internet"  # addresses of the internet
    OPEN = "open"  # private networks too


def egress_of(setting: Egress, *, trusted: bool, private_networks: bool) -> Egress:
    """What one deployment gets. The operator's `none` holds for everybody. Private networks are for those that are trusted, if all of
    them have them, or their project was permitted to."""
    if setting is Egress.NONE:
        return Egress.NONE
    wide = setting is Egress.OPEN or private_networks
    return Egress.OPEN if trusted and wide else Egress.INTERNET
