"""Keeps pulls away from the host and its network: a repository says which registry is asked, and that one may lead anywhere,
by its name, a redirect, or the place it sends to for a token. So it is connections that are judged, not names.

As for builds, the rules match a user: that of pulls, which does nothing else. What the operator allows is a chain of its own
in between; it only grows, until the host restarts or somebody flushes it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from seatrial.agent import firewall
from seatrial.agent.builds import fence
from seatrial.agent.builds.account import Account
from seatrial.agent.builds.registries.resolving import resolved
from seatrial.agent.vocabulary.addresses import Address

log = structlog.get_logger(__name__)

CHAIN = "GALLEY-PULLS"
ALLOWED = "GALLEY-REGISTRIES"
NAME_SERVICE = ("-p", "udp", "--dport", "53", "-j", "ACCEPT")  # wherever the host's resolver is
PRIVATE = {  # and what belongs to nobody in the internet
    firewall.IPV4: (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.168.0.0/16", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    ),
    firewall.IPV6: ("fc00::/7", "fec0::/10", "ff00::/8", "::1/128"),
}  # fmt: skip


@dataclass
class PullFence:
    """Put up once per process; what is allowed is added at every pull. Idempotent. Without root or iptables there is none;
    one that could not be put up is tried again with every pull."""

    _raised: bool = False
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def raise_for(self, account: Account, allowed: Sequence[Address]) -> set[tuple[str, int]]:
        """Send the account's connections through the chains. Returns the addresses and ports of `allowed`, now open."""
        found = await asyncio.gather(*(resolved(one) for one in allowed))
        numbers = {(n, one.port) for one, listed in zip(allowed, found, strict=True) for n in listed}
        async with self._lock:
            if account.other and not self._raised:
                stands = await put_up(account)
                if not stands:
                    log.warning("pulls can reach services on their host", fix="see docs/security.md")
                self._raised = stands or not firewall.available()
            if account.other:
                for number, port in sorted(numbers):
                    await allow(number, port)
        return numbers


async def put_up(account: Account) -> bool:
    """Put up the rules for both versions of IP; False if one of them is not possible."""
    if not firewall.available():
        return False
    programs = [firewall.IPV4, firewall.IPV6] if firewall.has_ipv6() else [firewall.IPV4]
    raised = []
    for program in programs:
        await firewall.put_up(ALLOWED, [], program=program)
        raised.append(await firewall.put_up(CHAIN, rules(program), *fence.jumps(account), program=program))
    return all(raised)


def rules(program: str) -> list[tuple[str, ...]]:
    """In order: name service and what the operator allows are open; all else on the host, every container and its network is closed."""
    closed = (*fence.CLOSED[program], *PRIVATE[program])
    return [
        NAME_SERVICE,
        ("-j", ALLOWED),
        *(("-o", interface, "-j", "REJECT") for interface in fence.INTERFACES),
        *(("-d", network, "-j", "REJECT") for network in closed),
    ]


async def allow(number: str, port: int) -> None:
    """Open one port of one address."""
    program = firewall.IPV6 if ":" in number else firewall.IPV4
    rule = ("-d", number, "-p", "tcp", "--dport", str(port), "-j", "ACCEPT")
    await firewall.put_up(ALLOWED, [rule], program=program)
