"""The operator's settings for registries, as buildah reads them."""

import contextlib
import ipaddress
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seatrial.agent.builds.cell import PROXIES
from seatrial.agent.builds.references import HUB, registry_of
from seatrial.agent.builds.registries.answers import Reach
from seatrial.agent.builds.registries.resolving import is_unknown, resolved
from seatrial.agent.engine.registries import Registries
from seatrial.agent.vocabulary.addresses import HTTP, HTTPS, Address, address_of, addresses_of_urls

LOCALHOST = "127.0.0.1"


@dataclass(frozen=True)
class Configuration:
    """For one pull. The engine's own settings count: its mirrors, registries without TLS, and proxies are the operator's word
    as much as `allowed` (GALLEY_REGISTRIES) is."""

    engine: Registries
    allowed: Sequence[Address]

    def opened(self) -> list[Address]:
        """What the fence must let through."""
        # Without a port, a registry that may do without TLS is tried at both.
        named = [_address(name, usual) for name in self.engine.insecure for usual in (HTTPS, HTTP)]
        proxies = [value for name, value in self.proxies().items() if name.lower() != "no_proxy"]
        urls = addresses_of_urls([*self.engine.mirrors, *proxies])
        return list(dict.fromkeys([*self.allowed, *(one for one in named if one), *urls]))

    def registries(self, image: str) -> list[str]:
        """The hosts, with their ports, that may be asked for `image`."""
        registry = registry_of(image)
        mirrors = self.engine.mirrors if registry == HUB else []
        return [registry, *(url.partition("://")[2].partition("/")[0] for url in mirrors)]

    def proxies(self) -> Mapping[str, str]:
        """Variables for the pull's environment: the agent's own, or the engine's."""
        ours = {name: os.environ[name] for name in PROXIES if name in os.environ}
        return ours if any(name.lower() != "no_proxy" for name in ours) else self.engine.proxies

    async def leads_nowhere(self, image: str) -> bool:
        """Whether nothing that would be asked for `image` has an address. With a proxy, only the proxy knows."""
        address = self._asked(image)
        return address is not None and await is_unknown(address)

    async def is_closed(self, image: str, reach: Reach) -> bool:
        """Whether all that would be asked for `image` is closed to pulls."""
        address = self._asked(image)
        numbers = await resolved(address) if address is not None else []
        return address is not None and bool(numbers) and all(reach.closed(n, address.port) for n in numbers)

    def _asked(self, image: str) -> Address | None:
        """The only address that is asked for `image`; None if there may be others."""
        registry = registry_of(image)
        elsewhere = self.proxies() or (registry == HUB and self.engine.mirrors)
        return None if elsewhere else _address(registry)

    async def file(self, image: str) -> str:
        """registries.conf for the pull of `image`."""
        registry = registry_of(image)
        if registry == HUB:
            mirrors = [await self._mirror(url) for url in self.engine.mirrors]
            return _table("[[registry]]", location="docker.io") + "".join(mirrors)
        return _table("[[registry]]", location=registry, insecure=await self._without_tls(registry))

    async def _mirror(self, url: str) -> str:
        location = url.partition("://")[2].rstrip("/")
        insecure = url.startswith("http://") or await self._without_tls(location.partition("/")[0])
        return _table("[[registry.mirror]]", location=location, insecure=insecure)

    async def _without_tls(self, registry: str) -> bool:
        """Whether the engine would do without TLS: by the registry's name, or by the network that it is in."""
        address = _address(registry)
        if registry in self.engine.insecure or address is None:
            return registry in self.engine.insecure
        networks = [ipaddress.ip_network(one, strict=False) for one in self.engine.insecure_networks]
        if address.literal or address.host == "localhost":
            numbers = [LOCALHOST if address.host == "localhost" else address.host]
        elif all(
            network.is_loopback for network in networks
        ):  # the engine's own default: no name needs to be asked for
            numbers = []
        else:
            numbers = await resolved(address)
        return any(ipaddress.ip_address(number) in network for number in numbers for network in networks)


def _address(name: str, usual: int = HTTPS) -> Address | None:
    with contextlib.suppress(ValueError):
        return address_of(name, usual)
    return None


def _table(header: str, **values: str | bool) -> str:
    """One table of TOML, whose strings and booleans are written as JSON's."""
    return "\n".join([header, *(f"{key} = {json.dumps(value)}" for key, value in values.items())]) + "\n"
