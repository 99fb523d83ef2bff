"""Keeps builds away from the host and from previews.

Traffic of RUN steps leaves the host as the builder's own (slirp4netns), with the host's loopback already out of reach.
What buildah itself fetches (`ADD https://...`) comes from the host's own network. As root, firewall rules block for both
the host's addresses, the networks of containers, and the cloud's metadata service.
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
    firewall.IPV6: ("fe80::/10", "fd00:ec2::254"),  # the second is a cloud's metadata service
}


@dataclass
class BuildFence:
    """Firewall rules for builds, put up once per process. Without root or iptables there is no fence; if the rules could not be
    put up, the next build tries again."""

    _raised: bool = False
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def raise_for(self, account: Account) -> None:
        """Make the chains and send the account's traffic through them. Idempotent."""
        async with self._lock:
            if self._raised or not account.other:
                return
            stands = await put_up(account)
            if not stands:
                log.warning("builds can reach services on their host", fix="see docs/security.md")
            # Not earlier: the build that started this may have been cancelled meanwhile, or one of its programs killed.
            self._raised = stands or not firewall.available()


async def put_up(account: Account) -> bool:
    """Put up the rules for both versions of IP; False if one of them is not possible."""
    if not firewall.available():
        return False
    programs = [firewall.IPV4, firewall.IPV6] if firewall.has_ipv6() else [firewall.IPV4]
    raised = [
        await firewall.put_up(CHAIN, rules(program), *jumps(account), program=program) for program in programs
    ]
    return all(raised)


def rules(program: str) -> list[tuple[str, ...]]:
    """The rules in order: DNS queries to the host are allowed; all else on the host, and every container, is blocked."""
    closed = [("-o", interface, "-j", "REJECT") for interface in INTERFACES]
    return [
        ("-o", "lo", *NAME_SERVICE),
        *closed,
        *(("-d", network, "-j", "REJECT") for network in CLOSED[program]),
    ]


def jumps(account: Account) -> list[tuple[str, ...]]:
    """The rules that match traffic of the account's user and of its subordinate users."""
    owners = [str(account.uid), *(f"{first}-{last}" for first, last in subordinate_uids(account))]
    return [("OUTPUT", "-m", "owner", "--uid-owner", owner) for owner in owners]
