"""Makes the clients for all HTTP requests of the control plane; none is made anywhere else.

With AIRGAPPED, a client may send requests to this machine, to the addresses in the settings (this server's own,
Traefik's API), and to the hosts it was made for, such as a connection's forge. Every other request, also after a
redirect, fails with `AirGapped` before a connection is opened or a name is looked up. With a proxy, the request's own
address counts, not the proxy's.
"""

import ipaddress
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


class Guard:
    """Decides to which hosts requests may be sent."""

    def __init__(self, configuration: Configuration, to: Iterable[str] = ()) -> None:
        own = (configuration.internal_url, configuration.site_url, configuration.galley_traefik_api_url)
        self._closed = configuration.airgapped
        self._hosts = {host for url in (*own, *to) if (host := urlsplit(url).hostname)}

    def check(self, request: httpx.Request) -> None:
        """Raise AirGapped if the request is not allowed."""
        host = request.url.host
        if self._closed and host not in self._hosts and not on_this_machine(host):
            raise AirGapped(host, request)

    async def check_async(self, request: httpx.Request) -> None:
        """See `check`."""
        self.check(request)


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
