"""Makes the clients for all HTTP requests of the control plane; none is made anywhere else.

With AIRGAPPED, a client may send requests to this machine, to the addresses in the settings (this server's own,
Traefik's API), and to the hosts it was made for, such as a connection's forge. Every other request, also after a
redirect, fails with `AirGapped` before a connection is opened or a name is looked up. With a proxy, the request's own
address counts, not the proxy's.

With or without AIRGAPPED, nothing is sent to link-local addresses and the other addresses at which clouds keep a machine's
credentials: whoever may enter a forge's address must not read those.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from seatrial.control.configuration import Configuration, trusting
from seatrial.control.errors import ControlError


class AirGapped(ControlError, httpx.TransportError):
    """This request is not allowed. Code that handles an address that does not answer handles this as well."""

    code = "air_gapped"
    status = 502

    def __init__(self, host: str, request: httpx.Request | None = None) -> None:
        httpx.TransportError.__init__(
            self,
            f"AIRGAPPED is set, and {host} is neither this machine, nor named in the settings, nor a connection's forge. "
            "Add a connection whose address is there, or unset AIRGAPPED",
            request=request,
        )


# Beside the link-local ones: Alibaba's, Oracle's and, over IPv6, Amazon's.
METADATA = frozenset(map(ipaddress.ip_address, ("100.100.100.200", "192.0.0.192", "fd00:ec2::254")))


class MetadataAddress(ControlError, httpx.TransportError):
    """This address is never asked. Code that handles an address that does not answer handles this as well."""

    code = "metadata_address"
    status = 502

    def __init__(self, host: str, request: httpx.Request | None = None) -> None:
        httpx.TransportError.__init__(
            self, f"{host} is a link-local or metadata address, which is never asked", request=request
        )


class Guard:
    """Decides to which hosts requests may be sent."""

    def __init__(self, configuration: Configuration, to: Iterable[str] = ()) -> None:
        own = (configuration.internal_url, configuration.site_url, configuration.galley_traefik_api_url)
        self._closed = configuration.airgapped
        self._hosts = {host for url in (*own, *to) if (host := urlsplit(url).hostname)}

    def check(self, request: httpx.Request) -> None:
        """Raise AirGapped or MetadataAddress if the request is not allowed."""
        host = request.url.host
        if self._closed and host not in self._hosts and not on_this_machine(host):
            raise AirGapped(host, request)
        if not on_this_machine(host) and leads_to_metadata(host):
            raise MetadataAddress(host, request)

    async def check_async(self, request: httpx.Request) -> None:
        """See `check`; looking up a name does not hold up the loop."""
        if on_this_machine(request.url.host):
            return
        await asyncio.to_thread(self.check, request)


def client(configuration: Configuration, *, to: Iterable[str] = (), **options: Any) -> httpx.Client:
    """A client for requests to the addresses `to`; `options` are those of httpx."""
    hooks = {"request": [Guard(configuration, to).check]}
    return httpx.Client(event_hooks=hooks, verify=_trust(configuration), **options)


def async_client(
    configuration: Configuration, *, to: Iterable[str] = (), **options: Any
) -> httpx.AsyncClient:
    """See `client`."""
    hooks = {"request": [Guard(configuration, to).check_async]}
    return httpx.AsyncClient(event_hooks=hooks, verify=_trust(configuration), **options)


def on_this_machine(host: str) -> bool:
    """True for a loopback address, and for the names of one."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


@cache
def _context(authorities: Path | None) -> ssl.SSLContext:
    """Made once: it reads every certificate of the system."""
    return trusting(authorities)


def _trust(configuration: Configuration) -> ssl.SSLContext:
    return _context(configuration.gitgrit_custom_ca_file_path)


def leads_to_metadata(host: str) -> bool:
    """Whether `host`, or an address of that name, is one that is never asked. A name that nobody knows leads nowhere.

    The client looks the name up again, so whoever controls it can still change it in between.
    """
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        return False
    addresses = [ipaddress.ip_address(one.partition("%")[0]) for one in found]
    plain = [getattr(one, "ipv4_mapped", None) or one for one in addresses]
    return any(one.is_link_local or one in METADATA for one in plain)
