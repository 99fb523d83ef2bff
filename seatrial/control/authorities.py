"""The organisation's own authorities, trusted beside the system's by every request of the control plane."""

import ssl
from pathlib import Path

from seatrial.control.errors import ControlError

FIX = "It holds the certificates of the authorities that issued the servers' certificates, as PEM"


class UnfitAuthorities(ControlError):
    """The file that the settings name is not there, or holds nothing that can be trusted."""

    code = "unfit_authorities"


def trusting(authorities: Path | None) -> ssl.SSLContext:
    """A context for clients that trust the system's authorities and those of the file. Raises UnfitAuthorities."""
    context = ssl.create_default_context()
    if authorities is None:
        return context
    try:
        context.load_verify_locations(authorities)
    except ssl.SSLError as error:
        raise UnfitAuthorities(
            f"{authorities} holds no certificates that can be read ({error.reason}). {FIX}"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a path with a character that no path has
        why = error.strerror if isinstance(error, OSError) else error
        raise UnfitAuthorities(f"{authorities} cannot be read: {why}. {FIX}") from error
    return context
