"""Ways in for the ingress of another host, which does not reach the addresses of containers here.

Each routed port of a preview gets a *door*: a port of this host's own address, from which the host's packet filter passes
connections on, if they come from an ingress; for everybody else there is nothing. A door belongs to a container's name, so it
stays the same when the container begins again, under whatever address, and when the agent or the engine does.
"""

import asyncio
import hashlib
import json
import socket
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import structlog
from pydantic import BaseModel, TypeAdapter, ValidationError

from seatrial import files
from seatrial.agent import firewall
from seatrial.wire.deployments import ObservedService

log = structlog.get_logger(__name__)

FIRST, LAST = 20_000, 29_999  # below the ports that kernels give to outgoing connections
AGAIN_SECONDS = 30.0  # a reload of the host's firewall removes what we put up
CLOSED = (
    "the ingress of another host does not reach previews here (GALLEY_AGENT_ADDRESS): the firewall rules for it cannot be put up. They "
    "need root, iptables and GALLEY_FIREWALL"
)
NOBODY = "the ingress of another host does not reach previews here: set GALLEY_INGRESS_ADDRESSES to the address from which it comes"
TAKEN = "another agent of this host has GALLEY_AGENT_ADDRESS already: give each an address of its own, or let one agent run"


class Ways(Protocol):
    """How the ingress reaches services."""

    @property
    def warnings(self) -> Sequence[str]:
        """Why it does not; sent in every heartbeat."""

    async def open(self, environment: str, services: Sequence[ObservedService]) -> list[ObservedService]:
        """`services` with the endpoints at which the ingress reaches them."""

    async def keep(self, environment: str, containers: Collection[str]) -> None:
        """Of the environment, only these containers are left."""


class Direct:
    """The ingress is on this host, or has routes to its containers: their own addresses are the endpoints."""

    warnings: Sequence[str] = ()

    async def open(self, environment: str, services: Sequence[ObservedService]) -> list[ObservedService]:
        """See Ways."""
        return list(services)

    async def keep(self, environment: str, containers: Collection[str]) -> None:
        """See Ways."""


class Door(BaseModel):
    """`port` of this host leads to `inside`: the address and port of a container, of which it serves `inner`."""

    environment: str
    container: str
    inner: int
    port: int
    inside: str


_KEPT = TypeAdapter(list[Door])


class Doors:
    """Doors at `address`, for connections from `visitors`. They are kept in the file `path`.
    Without `wanted`, the host's rules are left alone.

    Calls may run together. A port that was given back is not given again before all others were: for a moment, a route at the ingress
    may still lead there.
    """

    def __init__(self, address: str, visitors: Sequence[str], path: Path, *, wanted: bool = True) -> None:
        self._wanted = wanted
        self._mark = hashlib.sha256(address.encode()).hexdigest()[:8]  # names of chains are short
        self._address = address
        self._visitors = tuple(visitors)
        self._path = path
        self._doors = {(door.container, door.inner): door for door in _read(path)}
        self._last = max((door.port for door in self._doors.values()), default=FIRST - 1)
        self._lock = asyncio.Lock()
        self._stood_at = float("-inf")
        self._claim: socket.socket | None = None
        self.warnings: Sequence[str] = ()

    async def open(self, environment: str, services: Sequence[ObservedService]) -> list[ObservedService]:
        """See Ways. Without rules, endpoints stay as they are, and the warnings say why nobody reaches them."""
        async with self._lock:
            opened, changed = [], False
            for service in services:
                if service.endpoint is None:
                    opened.append(service)
                    continue
                door, moved = self._door(environment, service.container, service.endpoint)
                changed |= moved
                opened.append(service.model_copy(update={"endpoint": f"{self._address}:{door.port}"}))
            up = await self._stand(changed=changed)
            return opened if up else list(services)

    async def keep(self, environment: str, containers: Collection[str]) -> None:
        """See Ways."""
        async with self._lock:
            mine = [key for key, door in self._doors.items() if door.environment == environment]
            gone = [key for key in mine if key[0] not in containers]
            for key in gone:
                del self._doors[key]
            if gone:
                await self._stand(changed=True)

    def leave(self) -> None:
        """Let another agent have the address. The doors stay open."""
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    def _door(self, environment: str, container: str, inside: str) -> tuple[Door, bool]:
        key = (container, int(inside.rpartition(":")[2]))
        known = self._doors.get(key)
        if known is not None and known.inside == inside:
            return known, False
        port = known.port if known else next(self._free())
        self._last = port if known is None else self._last
        door = Door(environment=environment, container=container, inner=key[1], port=port, inside=inside)
        self._doors[key] = door
        return door, True

    def _free(self) -> Iterator[int]:
        taken = {door.port for door in self._doors.values()}
        span = LAST - FIRST + 1
        for step in range(1, span + 1):
            port = FIRST + (self._last - FIRST + step) % span
            if port not in taken:
                yield port

    async def _stand(self, *, changed: bool) -> bool:
        """Put up what is to be, at once if that changed, and again from time to time."""
        if not changed and time.monotonic() - self._stood_at < AGAIN_SECONDS:
            return not self.warnings
        if changed:
            files.replace(self._path, _KEPT.dump_json(list(self._doors.values())), mode=0o600)
        before, self.warnings = self.warnings, await self._put_up()
        if self.warnings and self.warnings != before:
            log.warning(self.warnings[0])
        self._stood_at = time.monotonic()
        return not self.warnings

    async def _put_up(self) -> Sequence[str]:
        if not self._visitors:
            return (NOBODY,)
        if not self._wanted or not firewall.available():
            return (CLOSED,)
        if not self._claimed():
            return (TAKEN,)
        here = ("-d", f"{self._address}/32", "-p", "tcp")
        passed = await firewall.put_in_place(
            "nat", f"GALLEY-DOORS-{self._mark}", list(self._rules()), ("PREROUTING", *here), ("OUTPUT", *here)
        )
        from_outside = ("-m", "conntrack", "--ctstate", "DNAT", "--ctorigdst", self._address)
        let_in = await firewall.put_in_place(
            "filter",
            f"GALLEY-INGRESS-{self._mark}",
            [("-s", one, "-j", "ACCEPT") for one in self._visitors],
            (await firewall.forwarding(), "-o", firewall.PREVIEW_INTERFACES, *from_outside),
        )
        return () if passed and let_in else (CLOSED,)

    def _rules(self) -> Iterator[firewall.Rule]:
        for door in self._doors.values():
            for visitor in self._visitors:
                match = ("-s", visitor, "-p", "tcp", "--dport", str(door.port))
                yield (*match, "-j", "DNAT", "--to-destination", door.inside)

    def _claimed(self) -> bool:
        """One agent for one address, or two would lead one port to two previews. The name belongs to the network's namespace, and is
        free when this process ends."""
        if self._claim is None:
            claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                claim.bind(f"\0galley-agent-address-{self._address}")
            except OSError:
                claim.close()
                return False
            self._claim = claim
        return True


def _read(path: Path) -> list[Door]:
    try:
        return _KEPT.validate_python(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return []
    except (ValueError, ValidationError):
        log.warning("doors are numbered anew: their file cannot be read", file=str(path))
        return []
