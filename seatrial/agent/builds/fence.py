"""Keeps builds away from the host and from previews.

Traffic of RUN steps leaves the host as the builder's own (slirp4netns), with the host's loopback already out of reach.
What buildah itself fetches (`ADD https://...`) comes from the host's own network. As root firewall rules close both: not
the host's addresses, not the networks of containers, not the cloud's metadata.
"""

import asyncio
from dataclasses import dataclass, field

import structlog

from seatrial.agent import firewall
from seatrial.agent.builds.account import Account, subordinate_uids

log = structlog.get_logger(__name__)

CHAIN = "GALLEY-BUILDS"
NAME_SERVICE = ("-p", "udp", "--dport", "53", "-j", "ACCEPT")
INTERFACES = ("lo", "docker0", "br-+", firewall.PREVIEW_INTERFACES)
CLOSED = {
    firewall.IPV4: (firewall.LINK_LOCAL,),
    firewall.IPV6: ("fe80::/10", "fd00:ec2::254"),  # the second is a cloud's, too
}


@dataclass
class Fence:
    """Raised once per process; harmless when it stands already. Without root or iptables there is none."""

    _raised: bool = False
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def raise_for(self, account: Account) -> None:
        """Make the chains and send the account's traffic through them."""
        async with self._lock:
            if self._raised or not account.other:
                return
            if not await put_up(account):
                log.warning("builds can reach what their host listens with", fix="see docs/security.md")
            self._raised = True  # not before: the build that began it may be cancelled meanwhile


async def put_up(account: Account) -> bool:
    """The rules for both versions of IP; False when one of them cannot be had."""
    if not firewall.available():
        return False
    programs = [firewall.IPV4, firewall.IPV6] if firewall.has_ipv6() else [firewall.IPV4]
    raised = [
        await firewall.put_up(CHAIN, rules(program), *jumps(account), program=program) for program in programs
    ]
    return all(raised)


def rules(program: str) -> list[tuple[str, ...]]:
    """In order: names may be asked of the host; nothing else of it, and nothing of any container."""
    closed = [("-o", interface, "-j", "REJECT") for interface in INTERFACES]
    return [
        ("-o", "lo", *NAME_SERVICE),
        *closed,
        *(("-d", network, "-j", "REJECT") for network in CLOSED[program]),
    ]


def jumps(account: Account) -> list[tuple[str, ...]]:
    """What comes from the account's user, and from the users it may become."""
    owners = [str(account.uid), *(f"{first}-{last}" for first, last in subordinate_uids(account))]
    return [("OUTPUT", "-m", "owner", "--uid-owner", owner) for owner in owners]
