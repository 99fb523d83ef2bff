"""Berths: the places that sandboxes can have on SANDBOX_NETWORK, for policies that may use the network."""

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from seatrial.agent.checkouts.authorities import bundle
from seatrial.agent.engine import Engine
from seatrial.agent.runtime.docker.fence import INTERFACES
from seatrial.agent.sandboxes.walls import Walls
from seatrial.agent.vocabulary.addresses import Address
from seatrial.agent.vocabulary.errors import AgentError
from seatrial.agent.vocabulary.labels import MANAGED
from seatrial.wire.states import Isolation

log = structlog.get_logger(__name__)

MOST = 6  # sandboxes on the network at the same time, those that are just being removed included
NOT_SET = "SANDBOX_NETWORK is not set there. Its operator sets it to a bridge of the engine"
NO_ENGINE = "it runs policies as bare processes (GALLEY_RUNTIME=process). Its operator uses Docker"
GVISOR_HAS_NONE = (
    "gVisor gives containers no network there: the runtimeArgs of runsc in /etc/docker/daemon.json have --network=none. Its operator "
    "removes that, or writes --network=host where this kernel allows gVisor no stack of its own, and reloads Docker (kill -HUP)"
)
NO_WALLS = (
    "no firewall rules can keep policies away from its host there. Its operator runs the agent as root, with iptables and without "
    "GALLEY_FIREWALL=false"
)


class NoNetwork(Exception):
    """This agent gives no policy a network. The text says why, and who can change that."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"needs the network, which the agent that ran it does not give: {problem}")
        self.problem = problem


@dataclass(frozen=True)
class Berth:
    """One sandbox's place on a network. `authorities` is PEM, empty if the organisation has none of its own."""

    number: int
    network: str
    hardware_address: str
    servers: Sequence[str] = ()
    authorities: str = ""


@dataclass(frozen=True)
class Harbour:
    """What the operator gives: the name of a network of the engine (empty: none), resolvers by address, the PEM file of the
    organisation's authorities, servers elsewhere that no policy reaches (the bus), and whether firewall rules are wanted."""

    network: str = ""
    servers: Sequence[str] = ()
    authorities: Path | None = None
    closed: Sequence[Address] = ()
    firewall: bool = True


class Berths:
    """The berths of one agent. A network that is not there is never made: whoever names it decides what it leads to."""

    def __init__(self, engine: Engine | None, agent: str, harbour: Harbour) -> None:
        self._engine = engine
        self._agent = agent
        self._harbour = harbour
        self._free: asyncio.Queue[int] = asyncio.Queue()
        for number in range(MOST):
            self._free.put_nowait(number)
        self._problem = ""
        self._wanted = False  # by a policy, since this agent started

    @property
    def warnings(self) -> list[str]:
        """Why policies get no network here, for people, if the operator or a policy wants them to have one."""
        if not self._problem or not (self._harbour.network or self._wanted):
            return []
        return [f"policies that ask for the network are errored on this agent: {self._problem}"]

    async def look(self) -> None:
        """Find out whether policies can have a network, for `warnings`. Without an answer of the engine, what was known stays."""
        if not self._harbour.network and not self._wanted:
            return
        try:
            await self._walls()
            self._problem = ""
        except NoNetwork as error:
            self._say(error.problem)
        except (AgentError, OSError) as error:
            log.debug("did not look for SANDBOX_NETWORK", problem=str(error))

    async def take(self, isolation: Isolation) -> Berth:
        """A place with walls around it, for one sandbox; waits for a free one. The caller gives it back when the sandbox is gone.

        Raises NoNetwork if a policy gets none here, AgentError or OSError if the engine does not say.
        """
        self._wanted = True
        number = await self._free.get()
        try:
            return await self._made(number, isolation)
        except BaseException as error:
            self._free.put_nowait(number)
            if isinstance(error, NoNetwork):
                self._say(error.problem)
            raise

    def give_back(self, berth: Berth) -> None:
        """Somebody else may have it now."""
        self._free.put_nowait(berth.number)

    async def _made(self, number: int, isolation: Isolation) -> Berth:
        walls = await self._walls()
        assert self._engine is not None
        if isolation is Isolation.GVISOR and not (await self._engine.machine()).gvisor_networked:
            raise NoNetwork(GVISOR_HAS_NONE)
        address = walls.hardware_address(self._agent, number)
        if not self._harbour.firewall or not await walls.put_up(address):
            raise NoNetwork(NO_WALLS)
        self._problem = ""
        given = self._harbour
        return Berth(number, given.network, address, given.servers, self._authorities())

    async def _walls(self) -> Walls:
        """Those for the network as it is now. Raises NoNetwork."""
        name = self._harbour.network
        if self._engine is None:
            raise NoNetwork(NO_ENGINE)
        if not name:
            raise NoNetwork(NOT_SET)
        network = await self._engine.networks.get(name)
        if network is None:
            raise NoNetwork(
                f"SANDBOX_NETWORK names {name}, and its engine has no such network. Its operator makes it: docker network create {name}"
            )
        if network.driver != "bridge" or network.labels.get(MANAGED):
            what = (
                "a network of a preview" if network.labels.get(MANAGED) else f"of the kind {network.driver}"
            )
            raise NoNetwork(
                f"SANDBOX_NETWORK names {name}, which is {what}. Its operator names a bridge of their own (docker network ls)"
            )
        if not (INTERFACES / network.interface).exists():
            raise NoNetwork(
                f"the bridge of {name} is in another network namespace than the agent, whose firewall rules would not count. Its operator "
                "runs the agent's container with the host's network (network_mode: host)"
            )
        return Walls(network.interface, self._harbour.servers, await resolved(self._harbour.closed))

    def _authorities(self) -> str:
        if self._harbour.authorities is None:
            return ""
        try:
            return bundle(self._harbour.authorities)
        except AgentError as error:
            raise NoNetwork(str(error)) from error

    def _say(self, problem: str) -> None:
        if problem != self._problem:
            log.warning("policies get no network here", problem=problem)
        self._problem = problem


async def resolved(addresses: Sequence[Address]) -> list[tuple[str, int]]:
    """Every address behind these names now, always in the same order; a name that nobody knows leads nowhere from a sandbox either."""
    found: set[tuple[str, int]] = set()
    for one in addresses:
        with contextlib.suppress(OSError):
            answers = await asyncio.get_running_loop().getaddrinfo(
                one.host, one.port, type=socket.SOCK_STREAM
            )
            found |= {(str(answer[4][0]).partition("%")[0], one.port) for answer in answers}
    return sorted(found)
