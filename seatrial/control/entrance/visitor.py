"""A visitor's request, as the ingress describes it in the headers of its question."""

import base64
import binascii
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from django.http.request import split_domain_port

from seatrial.control.previews.desired import address

GUEST, BYPASS = "galley-guest", "galley-bypass"  # parameters of an address, which become a pass
LONGEST_PASSWORD = 1_000
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Login(NamedTuple):
    """What basic auth sent."""

    username: str
    password: str


@dataclass(frozen=True)
class Visitor:
    """Who asks for what. `label` is the host below the previews' domain; empty if it is none. `ip` None: the ingress did not say."""

    label: str
    method: str
    uri: str  # path and query
    ip: IpAddress | None
    login: Login | None
    token: str  # X-Galley-Bypass
    cookies: str
    authorization: str
    origin: str
    asks_for_page: bool
    preflight: bool

    @property
    def path(self) -> str:
        """Without the query."""
        return self.uri.partition("?")[0]

    def parameter(self, name: str) -> str:
        """The value of a query's parameter; empty if it is not there."""
        return dict(parse_qsl(self.uri.partition("?")[2], keep_blank_values=True)).get(name, "")

    def without(self, name: str) -> str:
        """The address that was asked for, without this parameter."""
        path, _, query = self.uri.partition("?")
        rest = [(key, value) for key, value in parse_qsl(query, keep_blank_values=True) if key != name]
        return address().url(self.label) + path + (f"?{urlencode(rest)}" if rest else "")

    @property
    def url(self) -> str:
        """The address that was asked for."""
        return address().url(self.label) + self.uri


def visitor(headers: Mapping[str, str]) -> Visitor:
    """Whoever the ingress asks about. The names of `headers` are found in any case."""
    uri = headers.get("X-Forwarded-Uri", "/")
    method = headers.get("X-Forwarded-Method", "GET").upper()
    authorization = headers.get("Authorization", "")
    mode = headers.get("Sec-Fetch-Mode", "")
    return Visitor(
        label=_label(headers.get("X-Forwarded-Host", "")),
        method=method,
        uri=uri if uri.startswith("/") else "/",
        ip=_ip(headers.get("X-Forwarded-For", "")),
        login=_login(authorization),
        token=headers.get("X-Galley-Bypass", ""),
        cookies=headers.get("Cookie", ""),
        authorization=authorization,
        origin=headers.get("Origin", ""),
        asks_for_page=method == "GET"
        and (mode == "navigate" if mode else "text/html" in headers.get("Accept", "")),
        preflight=method == "OPTIONS" and "Access-Control-Request-Method" in headers,
    )


def _label(host: str) -> str:
    name, _ = split_domain_port(host.split(",", maxsplit=1)[0].strip().lower())
    domain = f".{address().domain}"
    label = name.removesuffix(".").removesuffix(domain)
    return (
        label if name.removesuffix(".").endswith(domain) and "." not in label and "\x00" not in label else ""
    )


def _ip(forwarded: str) -> IpAddress | None:
    """The last address is the one that the ingress itself saw."""
    try:
        ip = ipaddress.ip_address(forwarded.rpartition(",")[2].strip())
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip


def _login(authorization: str) -> Login | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        username, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Login(username, password) if colon and len(password) <= LONGEST_PASSWORD else None
