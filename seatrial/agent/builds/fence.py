"""Keeps RUN steps away from the host and from previews.

Their traffic leaves the host as the builder's own (slirp4netns), with the host's loopback already out of reach. As
root firewall rules add: not the host's other addresses, not the networks of containers, not the cloud's metadata.
"""

import asyncio
from dataclasses import dataclass, field

from seatrial.agent import firewall
from seatrial.agent.builds.account import Account

CHAIN = "GALLEY-BUILDS"
NAME_SERVICE = ("-p", "udp", "--dport", "53", "-j", "ACCEPT")


@dataclass
class Fence:
    """Raised once per process; harmless when it stands already. Without root or iptables there is none."""

    _raised: bool = False
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def raise_for(self, account: Account) -> None:
        """Make the chain and send the account's traffic through it."""
        async with self._lock:
            if self._raised or not account.other or not firewall.available():
                return
            jump = ("OUTPUT", "-m", "owner", "--uid-owner", str(account.uid))
            self._raised = await firewall.put_up(CHAIN, rules(), jump)


def rules() -> list[tuple[str, ...]]:
    """In order: names may be asked of the host; nothing else of it, and nothing of any container."""
    interfaces = ("lo", "docker0", "br-+", firewall.PREVIEW_INTERFACES)
    closed = [("-o", interface, "-j", "REJECT") for interface in interfaces]
    return [("-o", "lo", *NAME_SERVICE), *closed, ("-d", firewall.LINK_LOCAL, "-j", "REJECT")]
