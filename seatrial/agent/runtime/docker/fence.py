"""Keeps previews away from their host.

The engine keeps networks apart from each other, but a container can reach everything that listens on all addresses of the
host. As root, two firewall rules block that, for the interfaces of our networks only. Answers
to the host's own connections (health checks, the ingress) and its name service stay open.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path

import structlog

from seatrial.agent import firewall

log = structlog.get_logger(__name__)

ELSEWHERE = (
    "previews can reach services on their host: the firewall rules of this agent do not count, because the engine's networks are "
    "in another network namespace. Run the agent's container with the host's network (network_mode: host)"
)
UNFENCED = "previews can reach services on their host: there are no firewall rules (they need root and iptables); see docs/security.md"
CHAIN = "GALLEY-PREVIEWS"
INTERFACES = Path("/sys/class/net")
RULES: list[tuple[str, ...]] = [
    ("-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "RETURN"),
    ("-p", "udp", "--dport", "53", "-j", "RETURN"),
    ("-p", "tcp", "--dport", "53", "-j", "RETURN"),
    ("-j", "REJECT"),
]


def interface(network: str) -> str:
    """The name of the network's bridge on the host: at most 15 characters, and recognisably ours."""
    return f"galley{hashlib.sha256(network.encode()).hexdigest()[:9]}"


class PreviewFence:
    """Firewall rules for previews. Without `wanted`, the host's rules are left alone.

    `warnings` says if rules are missing, or do not count: where a network's bridge is not among our interfaces, or where
    somebody who tried (`doubt`) has found so.
    """

    def __init__(self, *, wanted: bool = True) -> None:
        self._wanted = wanted
        self._lock = asyncio.Lock()
        self._up = False
        self._missing: Sequence[str] = ()
        self._elsewhere: Sequence[str] = ()
        self.doubt = ""

    @property
    def stands(self) -> bool:
        """Whether the rules were put up, which is not yet proof that they count."""
        return self._wanted and self._up

    @property
    def warnings(self) -> Sequence[str]:
        """Why previews may reach their host; empty if they cannot, or if nobody wants to know."""
        doubts = (self.doubt,) if self.doubt else ()
        return (*self._missing, *self._elsewhere, *doubts) if self._wanted else ()

    def look_for(self, bridge: str) -> None:
        """Called when a network was made: its bridge is among our interfaces, or our rules are in another place than it."""
        self._elsewhere = () if (INTERFACES / bridge).exists() else (ELSEWHERE,)

    async def stand(self) -> None:
        """Put up missing rules; if that is not possible, warn and continue.

        Called before every network is created and whenever the engine (re)appears: a restart of the host or a reload of
        its firewall removes the rules.
        """
        if not self._wanted:
            return
        async with self._lock:
            up = await self._put_up()
        if not up and not self._missing:
            log.warning(UNFENCED)
        self._up, self._missing = up, () if up else (UNFENCED,)

    async def _put_up(self) -> bool:
        if not firewall.available():
            return False
        ours = ("-i", firewall.PREVIEW_INTERFACES)
        away = await firewall.insert("raw", ("PREROUTING", *ours, "-d", firewall.LINK_LOCAL, "-j", "DROP"))
        return await firewall.put_up(CHAIN, RULES, ("INPUT", *ours)) and away
