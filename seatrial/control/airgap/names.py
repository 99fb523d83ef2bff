"""Names, looked up as this process looks them up."""

import ipaddress
import socket
from urllib.parse import urlsplit

from seatrial.control.airgap.findings import Finding, fail, ok
from seatrial.control.configuration import Configuration


def to_resolve(configuration: Configuration) -> list[str]:
    """The code host's name, if it has one: an address needs no resolver."""
    host = urlsplit(configuration.gitlab_url).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return [host] if host else []
    return []


def resolved(host: str) -> Finding:
    """Whether the app resolves it."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return fail(
            f"DNS from the app: {host} does not resolve: {error}. Fix the internal DNS, or add it to /etc/hosts on this host"
        )
    addresses = sorted({str(entry[4][0]) for entry in found})
    return ok(f"DNS from the app: {host} is {', '.join(addresses)}")
