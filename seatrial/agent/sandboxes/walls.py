"""Packet filter rules around sandboxes on a network: what they may reach is the bridge and what it routes to, and nothing of
their host.

Others are on the same bridge (the dashboard of an air-gapped install), and the rules must not hit them. So a sandbox is known by
its address on the wires, which is made of the agent and of the rules themselves: rules that were for other settings match nobody
any more.
"""

import hashlib
import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seatrial.agent import firewall
from seatrial.agent.firewall import IPV4, IPV6, Rule

NAME = "GALLEY-POLICY-"
METADATA = {
    IPV4: firewall.LINK_LOCAL,
    IPV6: "fd00:ec2::254",
}  # where clouds answer with the host's credentials
OTHERS = ("docker0", "br-+", firewall.PREVIEW_INTERFACES)  # the engine's networks


@dataclass(frozen=True)
class Walls:
    """The rules for the sandboxes on one bridge. `servers`: resolvers, which may be services of the host. `closed`: addresses and
    ports elsewhere that no policy reaches either."""

    bridge: str
    servers: Sequence[str] = ()
    closed: Sequence[tuple[str, int]] = ()

    @property
    def digest(self) -> str:
        """The same for the same rules."""
        whole = [[list(self.towards_host(one)), list(self.beyond(one))] for one in (IPV4, IPV6)]
        return hashlib.sha256(repr(whole).encode()).hexdigest()

    def hardware_address(self, agent: str, number: int) -> str:
        """The address on the wires of an agent's sandbox with this number; of a kind that no maker of hardware gives away."""
        own = hashlib.sha256(f"{agent} {self.digest}".encode()).digest()[:4]
        return ":".join(f"{byte:02x}" for byte in (0x02, *own, number))

    def towards_host(self, program: str) -> Iterator[Rule]:
        """In order: resolvers answer, and nothing else of the host."""
        if program == IPV6:
            yield ("-p", "ipv6-icmp", "-j", "ACCEPT")  # without which there is no way to the bridge's router
        for server in _of(program, self.servers):
            for protocol in ("udp", "tcp"):
                yield ("-d", server, "-p", protocol, "--dport", "53", "-j", "ACCEPT")
        yield ("-j", "REJECT")

    def beyond(self, program: str) -> Iterator[Rule]:
        """In order: the bridge itself is open, other networks of the engine and published ports are closed."""
        for address, port in self.closed:
            if list(_of(program, [address])):
                yield ("-d", address, "-p", "tcp", "--dport", str(port), "-j", "REJECT")
        yield ("-o", self.bridge, "-j", "RETURN")
        for interface in OTHERS:
            yield ("-o", interface, "-j", "REJECT")
        yield ("-m", "conntrack", "--ctstate", "DNAT", "-j", "REJECT")

    async def put_up(self, hardware_address: str) -> bool:
        """Put them up around the sandbox with this address. Idempotent. Returns False if that is not possible here."""
        if not firewall.available():
            return False
        programs = [IPV4, IPV6] if firewall.has_ipv6() else [IPV4]
        return all([await self._put_up(program, hardware_address) for program in programs])

    async def _put_up(self, program: str, hardware_address: str) -> bool:
        its_own = ("-m", "mac", "--mac-source", hardware_address)
        away = ("PREROUTING", *its_own, "-d", METADATA[program], "-j", "DROP")
        host, beyond = (f"{NAME}{word}-{self.digest[:8]}" for word in ("HOST", "AWAY"))
        # The engine accepts what leaves a bridge before anybody else is asked, except in its own chain.
        chains = [firewall.ENGINE_CHAIN] if program == IPV4 else [firewall.ENGINE_CHAIN, "FORWARD"]
        if not await firewall.insert("raw", away, program=program):
            return False
        if not await firewall.put_up(
            host, list(self.towards_host(program)), ("INPUT", *its_own), program=program
        ):
            return False
        for chain in chains:
            if await firewall.put_up(beyond, list(self.beyond(program)), (chain, *its_own), program=program):
                return True
        return False


def _of(program: str, addresses: Sequence[str]) -> Iterator[str]:
    """Those of the version of IP that `program` is for."""
    version = 4 if program == IPV4 else 6
    return (one for one in addresses if ipaddress.ip_address(one).version == version)
