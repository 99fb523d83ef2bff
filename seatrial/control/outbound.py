"""Makes the clients for all HTTP requests of the control plane; none is made anywhere else.

With AIRGAPPED, a client may send requests to this machine, to the addresses in the settings (this server's own,
Traefik's API), and to the hosts it was made for, such as a connection's forge. Every other request, also after a
redirect, fails with `AirGapped` before a connection is opened or a name is looked up. With a proxy, the request's own
address counts, not the proxy's.

With or without AIRGAPPED, nothing is sent to link-local addresses and the other addresses at which clouds keep a machine's
credentials: whoever may enter a forge's address must not read those. Addresses of private networks are only for the hosts
above. A name is looked up once for a connection, which is opened to an address that was checked.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

from seatrial.control.authorities import trusting
from seatrial.control.configuration import Configuration
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
# Networks whose last 32 bits are an IPv4 address, to which a gateway or the kernel leads.
EMBEDDING = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))


class MetadataAddress(ControlError, httpx.TransportError):
    """This address is never asked. Code that handles an address that does not answer handles this as well."""

    code = "metadata_address"
    status = 502

    def __init__(self, host: str, request: httpx.Request | None = None) -> None:
        httpx.TransportError.__init__(
            self, f"{host} is a link-local or metadata address, which is never asked", request=request
        )


class PrivateAddress(ControlError, httpx.TransportError):
    """Nobody configured this host, and it is in a private network. See MetadataAddress for who handles this."""

    code = "private_address"
    status = 502

    def __init__(self, host: str, request: httpx.Request | None = None) -> None:
        httpx.TransportError.__init__(
            self, f"{host} is in a private network, and nobody made a connection to it", request=request
        )


class Guard:
    """Decides to which hosts requests may be sent, and which addresses their names may have."""

    def __init__(self, configuration: Configuration, to: Iterable[str] = ()) -> None:
        own = (configuration.internal_url, configuration.site_url, configuration.galley_traefik_api_url)
        self._closed = configuration.airgapped
        self._hosts = {host for url in (*own, *to) if (host := urlsplit(url).hostname)}
        self.looks_up = False  # names in requests, because a proxy and not a checked connection will

    def check(self, request: httpx.Request) -> None:
        """Raise AirGapped, MetadataAddress or PrivateAddress if the request is not allowed."""
        host = request.url.host
        if self._closed and host not in self._hosts and not on_this_machine(host):
            raise AirGapped(host, request)
        with contextlib.suppress(OSError, UnicodeError):  # a name that nobody knows leads nowhere
            self.addresses(host, request, flags=0 if self.looks_up else socket.AI_NUMERICHOST)

    async def check_async(self, request: httpx.Request) -> None:
        """See `check`; looking up a name does not hold up the loop."""
        if on_this_machine(request.url.host):
            return
        await asyncio.to_thread(self.check, request)

    def addresses(self, host: str, request: httpx.Request | None = None, *, flags: int = 0) -> list[str]:
        """The addresses of `host`. Raises MetadataAddress or PrivateAddress if one is not allowed, and OSError."""
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=flags)
        texts = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if on_this_machine(host):
            return texts
        for address in (plain(ipaddress.ip_address(text.partition("%")[0])) for text in texts):
            if address.is_link_local or address in METADATA:
                raise MetadataAddress(host, request)
            if not address.is_global and host not in self._hosts:
                raise PrivateAddress(host, request)
        return texts


class CheckedNames(httpcore.NetworkBackend):
    """Opens connections to exactly the addresses that `guard` has seen.

    So a name cannot have one address when it is checked and another when it is used.
    """

    def __init__(self, guard: Guard, inner: httpcore.NetworkBackend) -> None:
        self._guard, self._inner = guard, inner

    def connect_tcp(self, host: str, port: int, *rest: Any, **options: Any) -> httpcore.NetworkStream:
        """Connect to the first address that answers."""
        return _first(
            lambda address: self._inner.connect_tcp(address, port, *rest, **options),
            _looked_up(self._guard, host),
        )


class CheckedNamesAsync(httpcore.AsyncNetworkBackend):
    """See CheckedNames."""

    def __init__(self, guard: Guard, inner: httpcore.AsyncNetworkBackend) -> None:
        self._guard, self._inner = guard, inner

    async def connect_tcp(
        self, host: str, port: int, *rest: Any, **options: Any
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers."""
        *others, last = await asyncio.to_thread(_looked_up, self._guard, host)
        for address in others:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._inner.connect_tcp(address, port, *rest, **options)
        return await self._inner.connect_tcp(last, port, *rest, **options)


def _looked_up(guard: Guard, host: str) -> list[str]:
    try:
        return guard.addresses(host)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from error


def _first(connect: Callable[[str], httpcore.NetworkStream], addresses: list[str]) -> httpcore.NetworkStream:
    *others, last = addresses
    for address in others:
        with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
            return connect(address)
    return connect(last)


def client(configuration: Configuration, *, to: Iterable[str] = (), **options: Any) -> httpx.Client:
    """A client for requests to the addresses `to`; `options` are those of httpx."""
    guard = Guard(configuration, to)
    made = httpx.Client(event_hooks={"request": [guard.check]}, verify=_trust(configuration), **options)
    guard.looks_up = _check_names(made, partial(CheckedNames, guard))
    return made


def async_client(
    configuration: Configuration, *, to: Iterable[str] = (), **options: Any
) -> httpx.AsyncClient:
    """See `client`."""
    guard = Guard(configuration, to)
    hooks = {"request": [guard.check_async]}
    made = httpx.AsyncClient(event_hooks=hooks, verify=_trust(configuration), **options)
    guard.looks_up = _check_names(made, partial(CheckedNamesAsync, guard))
    return made


def _check_names(made: httpx.Client | httpx.AsyncClient, checked: Callable[[Any], Any]) -> bool:
    """Have `made` open connections through `checked`; True when it also has a proxy, which looks names up itself.

    httpx passes nothing on to httpcore, which has a parameter for this. A transport of our own over httpcore would have to
    read the proxies of the environment and translate every error, as httpx does; what is named here is pinned and tested.
    """
    proxied = False
    for transport in (made._transport, *made._mounts.values()):  # noqa: SLF001
        if not isinstance(transport, httpx.HTTPTransport | httpx.AsyncHTTPTransport):
            continue  # of a test, or a host that no proxy is for
        pool: Any = transport._pool  # noqa: SLF001
        if type(pool) in (httpcore.ConnectionPool, httpcore.AsyncConnectionPool):
            pool._network_backend = checked(pool._network_backend)  # noqa: SLF001
        else:
            proxied = True
    return proxied


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
    return _context(configuration.authorities)


def plain(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that a gateway makes of an IPv6 one, or else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    embedded = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
    if embedded is None and any(address in network for network in EMBEDDING):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if int(address) > 1 else address
    return embedded or address
