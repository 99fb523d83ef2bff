"""Keeps previews away from their host and from private networks.

The engine keeps networks apart from each other, but a container can reach everything that listens on all addresses of the
host, and everything that the host can reach. As root, firewall rules block that, for the interfaces of our networks only. Answers
to the host's own connections (health checks, the ingress) and name service stay open.
"""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import structlog

from seatrial.agent import firewall
from seatrial.agent.runtime.docker import egress
from seatrial.agent.vocabulary.egress import Egress

log = structlog.get_logger(__name__)

ELSEWHERE = (
    "previews can reach services on their host: the firewall rules of this agent do not count, because the engine's networks are "
    "in another network namespace. Run the agent's container with the host's network (network_mode: host)"
)
UNFENCED = (
    "previews can reach services on their host, and private networks: there are no firewall rules (they need root and iptables); "
    "see docs/security.md"
)
UNWANTED = (
    "GALLEY_FIREWALL=false leaves the firewall of this host alone. Remove that, and let the agent run as root"
)
FLUSHED = (
    "firewall rules of previews were removed by somebody else and are up again: a reload of this host's firewall does that. Until then, "
    "for half a minute at most, previews could reach what they are kept from"
)
INTERFACES = Path("/sys/class/net")
AGAIN_SECONDS = 30.0  # a reload of the host's firewall removes what we put up
REMEMBERED_SECONDS = 3600.0


def interface(network: str) -> str:
    """The name of the network's bridge on the host: at most 15 characters, and recognisably ours."""
    return f"galley{hashlib.sha256(network.encode()).hexdigest()[:9]}"


class PreviewFence:
    """Firewall rules for previews. Without `wanted`, the host's rules are left alone. `resolvers`: of the engine, beside the host's.

    `warnings` says if rules are missing, or do not count: where a network's bridge is not among our interfaces, or where
    somebody who tried (`doubt`) has found so.
    """

    def __init__(self, *, wanted: bool = True, resolvers: Sequence[str] = ()) -> None:
        self.wanted = wanted
        self._resolvers = tuple(resolvers)
        self._lock = asyncio.Lock()
        self._up = False
        self._made: dict[str, list[firewall.Chain]] = {}  # what we made last, by the program that made it
        self._flushed_at = float("-inf")
        self._missing: Sequence[str] = ()
        self._elsewhere: Sequence[str] = ()
        self.doubt = ""

    @property
    def stands(self) -> bool:
        """Whether the rules were put up, which is not yet proof that they count."""
        return self.wanted and self._up

    @property
    def gap(self) -> str:
        """Why rules limit nothing, with the fix; empty if they do."""
        if not self.wanted:
            return UNWANTED
        doubts = (self.doubt,) if self.doubt else ()
        return next(iter((*self._missing, *self._elsewhere, *doubts)), "" if self._up else UNFENCED)

    @property
    def warnings(self) -> Sequence[str]:
        """Why previews may reach their host; empty if they cannot, or if nobody wants to know."""
        doubts = (self.doubt,) if self.doubt else ()
        recent = time.monotonic() - self._flushed_at < REMEMBERED_SECONDS
        flushed = (FLUSHED,) if recent and self._up else ()
        return (*self._missing, *self._elsewhere, *doubts, *flushed) if self.wanted else ()

    def look_for(self, bridge: str) -> None:
        """Called when a network was made: its bridge is among our interfaces, or our rules are in another place than it."""
        self._elsewhere = () if (INTERFACES / bridge).exists() else (ELSEWHERE,)

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Hold it from looking which networks there are until the rules are made, and the network that they are for: nobody else on
        this host replaces them meanwhile by rules that lack it."""
        if not self.wanted:
            yield
            return
        async with self._lock, firewall.turn():
            yield

    async def stand(self, networks: Mapping[str, Egress]) -> None:
        """Put up missing rules, for `{network: egress}` of all that the engine has; if that is not possible, warn and continue.

        Called (`alone`) before every network is created, whenever the engine (re)appears and every AGAIN_SECONDS: a restart of the
        host or a reload of its firewall removes the rules.
        """
        if not self.wanted:
            return
        up = await self._put_up({interface(name): which for name, which in networks.items()})
        if not up and not self._missing:
            log.warning(UNFENCED)
        self._up, self._missing = up, () if up else (UNFENCED,)

    async def _put_up(self, networks: Mapping[str, Egress]) -> bool:
        if not firewall.available():
            return False
        programs = [firewall.IPV4, firewall.IPV6] if firewall.has_ipv6() else [firewall.IPV4]
        return all([await self._put_up_with(program, networks) for program in programs])

    async def _put_up_with(self, program: str, networks: Mapping[str, Egress]) -> bool:
        saved = await firewall.in_force(program)
        if saved is None:
            return False
        before = self._made.get(program, [])
        wanted = egress.chains(networks, saved, program, egress.resolvers(program, self._resolvers))
        if before == wanted and all(chain.stands_in(saved) for chain in before):
            return True
        if any(chain.flushed_in(saved) for chain in before):
            log.warning(FLUSHED)
            self._flushed_at = time.monotonic()
        made = await firewall.make_whole(wanted, saved, program)
        self._made[program] = wanted if made else []
        return made
