"""Which authorities the agent trusts when it asks the control plane."""

import ssl
from pathlib import Path


def trusting(authorities: Path | None) -> ssl.SSLContext:
    """A context that trusts the system's authorities and those of the file. Raises ValueError."""
    context = ssl.create_default_context()
    if authorities is None:
        return context
    try:
        context.load_verify_locations(authorities)
    except OSError as error:  # an SSLError is one
        raise ValueError(f"{authorities} holds no certificates that can be read: {error}") from error
    return context
