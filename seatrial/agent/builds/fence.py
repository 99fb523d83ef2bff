"""Keeps RUN steps away from the host and from previews.

Their traffic leaves the host as the builder's own (slirp4netns), with the host's loopback already out of reach. As
root two firewall rules add: not the host's other addresses, and not the networks of containers.
"""

import asyncio
from dataclasses import dataclass, field

from seatrial.agent.builds.account import Account, find

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
            if self._raised or not account.other or find("iptables") is None:
                return
            await self._iptables("-N", CHAIN)
            for rule in rules():
                if not await self._iptables("-C", CHAIN, *rule):
                    await self._iptables("-A", CHAIN, *rule)
            jump = ("OUTPUT", "-m", "owner", "--uid-owner", str(account.uid), "-j", CHAIN)
            if not await self._iptables("-C", *jump):
                await self._iptables("-I", *jump)
            self._raised = True

    async def _iptables(self, *arguments: str) -> bool:
        process = await asyncio.create_subprocess_exec(
            find("iptables") or "iptables", "-w", "5", *arguments,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        return await process.wait() == 0


def rules() -> list[tuple[str, ...]]:
    """In order: names may be asked of the host; nothing else of it, and nothing of any container."""
    closed = [("-o", interface, "-j", "REJECT") for interface in ("lo", "docker0", "br-+")]
    return [("-o", "lo", *NAME_SERVICE), *closed]
