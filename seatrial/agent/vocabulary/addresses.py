"""Hosts with ports, as settings name them."""

import contextlib
import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

HTTPS, HTTP, NATS = 443, 80, 4222
USUAL = {
    "https": HTTPS,
    "nats": NATS,
    "tls": NATS,
}  # ports of addresses that name none; of all others it is HTTP
ADDRESS = re.compile(
    r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?::(?P<port>\d{1,5}))?"
)


@dataclass(frozen=True)
class Address:
    """Where a program listens."""

    host: str
    port: int

    @property
    def literal(self) -> bool:
        """Whether the host is an address rather than a name."""
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(self.host)
            return True
        return False


def address_of(text: str, usual: int = HTTPS) -> Address:
    """`host`, `host:port` or `[::1]:port`. Raises ValueError with the fix."""
    match = ADDRESS.fullmatch(text)
    port = int(match["port"] or usual) if match else 0
    if match is None or not 0 < port < 65536:
        raise ValueError(f"{text[:100]!r} is no address. Write host or host:port, without https://")
    return Address(match["host"].strip("[]"), port)


def addresses_of(text: str) -> tuple[Address, ...]:
    """A list with commas or blanks between."""
    return tuple(address_of(part) for part in re.split(r"[,\s]+", text) if part)


def addresses_of_urls(urls: Iterable[str]) -> Sequence[Address]:
    """Where mirrors, proxies and the bus listen; what is no address is left out, as its owner's programs will say so."""
    found = []
    for url in urls:
        with contextlib.suppress(ValueError):
            parts = urlsplit(url if "://" in url else f"http://{url}")
            if parts.hostname:
                found.append(Address(parts.hostname, parts.port or USUAL.get(parts.scheme, HTTP)))
    return found


def visitors_of(text: str) -> tuple[str, ...]:
    """Addresses and networks in a list with commas between. Raises ValueError with the fix."""
    found = [one for one in map(str.strip, text.split(",")) if one]
    for number, one in enumerate(found, 1):
        try:
            ipaddress.IPv4Network(one)
        except ValueError:
            raise ValueError(
                f"number {number} is no IPv4 address or network. Write it like 10.0.0.5 or 10.0.0.0/28"
            ) from None
    return tuple(dict.fromkeys(found))
