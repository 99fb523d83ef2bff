"""Which authorities the agent trusts when it asks the control plane, and what it sends nothing to."""

import ssl
from pathlib import Path
from urllib.parse import urlsplit

from seatrial.environ.shapes import is_here

PLAIN = {"http", "nats", "ws"}


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


def is_readable(address: str) -> bool:
    """Whether somebody between here and there could read what is sent: it leaves this host, and without TLS."""
    return urlsplit(address).scheme in PLAIN and not is_here(address)
