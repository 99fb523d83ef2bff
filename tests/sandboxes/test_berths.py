"""Who gets a berth, and the rules around it: decided without an engine."""

from pathlib import Path
from typing import Any

import pytest

from seatrial.agent.engine import Machine
from seatrial.agent.engine.networks import Network
from seatrial.agent.firewall import IPV4, IPV6
from seatrial.agent.sandboxes import berths as room
from seatrial.agent.sandboxes.berths import MOST, Berths, Harbour, NoNetwork
from seatrial.agent.sandboxes.walls import Walls
from seatrial.agent.vocabulary.addresses import Address, addresses_of_urls
from seatrial.agent.vocabulary.errors import RuntimeUnavailable
from seatrial.agent.vocabulary.labels import MANAGED
from seatrial.sandbox.network import resolvers
from seatrial.wire.states import Isolation, ResultState
from tests.sandboxes.conftest import Bench, policy

ASKS = "def evaluate(project): return {'passed': True}"
BRIDGE = Network("bridge", {}, "br-0123456789ab")


class FakeEngine:
    """An engine with one network, and a gVisor that may give it to containers."""

    def __init__(self, network: Network | None = BRIDGE, *, gvisor_networked: bool = True) -> None:
        self.networks = self
        self.network = network
        self.away = False
        self._networked = gvisor_networked

    async def get(self, name: str) -> Network | None:
        if self.away:
            raise RuntimeUnavailable("the engine does not answer")
        assert name == "policies"
        return self.network

    async def machine(self) -> Machine:
        return Machine(cpus=2, gvisor=True, gvisor_networked=self._networked)


@pytest.fixture
def walled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """A host whose firewall takes every rule, with the bridge among its interfaces; the addresses that have walls."""
    put_up: list[str] = []

    async def taken(_: Walls, address: str) -> bool:
        put_up.append(address)
        return True

    monkeypatch.setattr(Walls, "put_up", taken)
    monkeypatch.setattr(room, "INTERFACES", tmp_path)
    (tmp_path / BRIDGE.interface).touch()
    return put_up


def made(engine: FakeEngine | None = None, **given: Any) -> Berths:
    return Berths(engine or FakeEngine(), "agent", Harbour(**{"network": "policies", **given}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("engine", "given", "why"),
    [
        (FakeEngine(), {"network": ""}, "SANDBOX_NETWORK is not set there. Its operator sets it"),
        (FakeEngine(None), {}, "no such network. Its operator makes it: docker network create policies"),
        (FakeEngine(Network("overlay", {}, "")), {}, "is of the kind overlay"),
        (FakeEngine(Network("bridge", {MANAGED: "true"}, "galley1")), {}, "is a network of a preview"),
        (FakeEngine(Network("bridge", {}, "br-elsewhere")), {}, "in another network namespace than the agent"),
        (FakeEngine(gvisor_networked=False), {}, "have --network=none. Its operator removes that"),
        (FakeEngine(), {"firewall": False}, "without GALLEY_FIREWALL=false"),
        (FakeEngine(), {"authorities": Path("/nowhere/ca.pem")}, "GITGRIT_CUSTOM_CA_FILE_PATH: /nowhere/ca.pem"),
    ],
)  # fmt: skip
async def test_what_is_missing_is_named_with_who_can_give_it(
    walled: list[str], engine: FakeEngine, given: dict[str, Any], why: str
) -> None:
    berths = made(engine, **given)
    with pytest.raises(
        NoNetwork, match=r"^needs the network, which the agent that ran it does not give: "
    ) as told:
        await berths.take(Isolation.GVISOR)
    assert why in str(told.value)
    assert [why in warning for warning in berths.warnings] == [True]
    assert berths._free.qsize() == MOST


async def test_without_rules_there_is_no_berth(walled: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: Any) -> bool:
        return False

    monkeypatch.setattr(Walls, "put_up", refused)
    with pytest.raises(NoNetwork, match="no firewall rules can keep policies away from its host"):
        await made().take(Isolation.CONTAINER)


async def test_each_berth_has_an_address_of_its_own_and_is_given_back(walled: list[str]) -> None:
    berths = made(servers=("10.0.0.53",))
    taken = [await berths.take(Isolation.GVISOR) for _ in range(MOST)]
    assert len({one.hardware_address for one in taken}) == MOST
    assert walled == [one.hardware_address for one in taken]
    assert all(one.hardware_address.startswith("02:") and one.servers == ("10.0.0.53",) for one in taken)
    berths.give_back(taken[2])
    assert await berths.take(Isolation.GVISOR) == taken[2]
    assert berths.warnings == []


async def test_a_missing_network_is_said_before_a_policy_asks_and_forgotten_when_it_is_there(
    walled: list[str],
) -> None:
    engine = FakeEngine(None)
    berths = made(engine)
    await berths.look()
    [warning] = berths.warnings
    assert "policies that ask for the network are errored" in warning and "docker network create" in warning
    engine.away = True
    await berths.look()  # who does not answer says nothing new
    assert berths.warnings == [warning]
    engine.away, engine.network = False, BRIDGE
    await berths.look()
    assert berths.warnings == []


async def test_the_bus_is_closed_by_every_address_that_it_has() -> None:
    found = await room.resolved(
        addresses_of_urls(["nats://127.0.0.1:4222", "nats://localhost:4223", "tls://nobody.invalid:1"])
    )
    assert (
        ("127.0.0.1", 4222) in found
        and ("127.0.0.1", 4223) in found
        and {port for _, port in found} == {4222, 4223}
    )
    assert found == sorted(found)
    assert addresses_of_urls(["nats://bus", "tls://bus", "https://a", "b"]) == [
        Address("bus", 4222), Address("bus", 4222), Address("a", 443), Address("b", 80),
    ]  # fmt: skip


async def test_where_nobody_wants_a_network_nobody_is_warned(walled: list[str]) -> None:
    berths = made(network="")
    await berths.look()
    assert berths.warnings == []


async def test_a_policy_that_gets_no_network_is_errored_and_others_are_judged(processes: Bench) -> None:
    plain, asks = await processes.run(policy(ASKS, "plain"), policy(ASKS, "asks", network=True))
    assert (plain.state, asks.state, asks.network) == (ResultState.PASSED, ResultState.ERRORED, "")
    assert "GALLEY_RUNTIME=process" in asks.message
    plain, asks = await processes.run(policy(ASKS, "plain"), policy(ASKS, "asks", network=True))
    assert plain.memoised and not asks.memoised


def test_the_host_answers_name_lookups_and_nothing_else() -> None:
    walls = Walls("br-1", ["10.0.0.53", "fd00::53"])
    assert [rule[-1] for rule in walls.towards_host(IPV4)] == ["ACCEPT", "ACCEPT", "REJECT"]
    assert all("10.0.0.53" in rule and "53" in rule for rule in list(walls.towards_host(IPV4))[:-1])
    assert [rule[-1] for rule in walls.towards_host(IPV6)] == ["ACCEPT", "ACCEPT", "ACCEPT", "REJECT"]
    assert [rule[-1] for rule in Walls("br-1").towards_host(IPV4)] == ["REJECT"]


def test_beyond_the_bridge_other_networks_and_published_ports_are_closed() -> None:
    rules = list(Walls("br-1", [], [("192.0.2.7", 4222), ("fd00::7", 4222)]).beyond(IPV4))
    assert rules[0][:4] == ("-d", "192.0.2.7", "-p", "tcp") and rules[0][-1] == "REJECT"
    assert rules[1] == ("-o", "br-1", "-j", "RETURN")
    assert [rule[1] for rule in rules[2:-1]] == ["docker0", "br-+", "galley+"]
    assert rules[-1] == ("-m", "conntrack", "--ctstate", "DNAT", "-j", "REJECT")


def test_other_settings_and_other_agents_have_other_addresses() -> None:
    walls = Walls("br-1", ["10.0.0.53"])
    others = [Walls("br-2", ["10.0.0.53"]), Walls("br-1"), Walls("br-1", ["10.0.0.53"], [("192.0.2.7", 1)])]
    addresses = {each.hardware_address("agent", 0) for each in (walls, *others)}
    assert len(addresses) == 4 and walls.hardware_address("agent two", 0) not in addresses
    assert walls.hardware_address("agent", 0) == Walls("br-1", ("10.0.0.53",)).hardware_address("agent", 0)


def test_without_a_resolver_nobody_outside_is_asked() -> None:
    assert resolvers([]).startswith("nameserver 127.0.0.1\n")
    assert resolvers(["10.0.0.53", "10.0.1.53"]).splitlines()[:2] == [
        "nameserver 10.0.0.53",
        "nameserver 10.0.1.53",
    ]
