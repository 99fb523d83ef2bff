"""The rules for what previews connect to: what they close, and that they are there when they have to be."""

import asyncio
import ipaddress
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from seatrial.agent import firewall
from seatrial.agent.firewall import IPV4, IPV6, Chain
from seatrial.agent.runtime.docker import DockerRuntime, egress
from seatrial.agent.runtime.docker.fence import FLUSHED, PreviewFence, interface
from seatrial.agent.vocabulary.egress import Egress
from seatrial.agent.vocabulary.labels import EGRESS

DOCKER = ":FORWARD DROP\n:DOCKER-USER - [0:0]\n"


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3", "172.31.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "127.0.0.1", "0.0.0.0", "192.0.0.192", "198.18.0.1",
        "224.0.0.251", "255.255.255.255", "::1", "::", "fd00:ec2::254", "fd20:ce::254", "fe80::1", "ff02::1", "::ffff:10.1.2.3", "::ffff:169.254.169.254",
        "64:ff9b::10.1.2.3", "64:ff9b::169.254.169.254", "64:ff9b::192.168.0.1", "64:ff9b:1::7", "2002:0a01:203::1", "2001:0:a::1",
    ],
)  # fmt: skip
def test_no_form_of_a_private_address_is_open(address: str) -> None:
    asked = ipaddress.ip_address(address)
    program = IPV4 if asked.version == 4 else IPV6
    assert any(asked in ipaddress.ip_network(one) for one in egress.closed(program))


@pytest.mark.parametrize("address", ["93.184.216.34", "172.32.0.1", "2606:2800::1", "64:ff9b::93.184.216.34"])
def test_the_internet_is_open(address: str) -> None:
    asked = ipaddress.ip_address(address)
    program = IPV4 if asked.version == 4 else IPV6
    assert not any(asked in ipaddress.ip_network(one) for one in egress.closed(program))


def test_resolvers_are_the_hosts_but_for_its_own_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("search lan\nnameserver 127.0.0.53\nnameserver fe80::1%eth0\n# nameserver 9.9.9.9\n")
    two.write_text("nameserver 10.0.0.2\nnameserver 10.0.0.2\nnameserver\nnameserver x\n")
    monkeypatch.setattr(egress, "RESOLVERS", (one, tmp_path / "none", two))
    monkeypatch.setattr(egress, "DAEMON", tmp_path / "daemon.json")
    assert egress.resolvers(IPV4, ["10.0.0.9"]) == ["10.0.0.2", "10.0.0.9"]
    assert egress.resolvers(IPV6) == ["fe80::1"]
    for written, more in (('{"dns": ["10.0.0.7"]}', ["10.0.0.7"]), ('{"dns": 7}', []), ("[]", []), ("{", [])):
        egress.DAEMON.write_text(written)
        assert egress.resolvers(IPV4) == ["10.0.0.2", *more]


class Kernel:
    """A packet filter in memory: what `iptables-save` would say."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.saved = DOCKER
        self.made: list[Sequence[Chain]] = []
        for name in ("in_force", "make_whole"):
            monkeypatch.setattr(firewall, name, getattr(self, name))
        monkeypatch.setattr(firewall, "available", lambda: True)
        monkeypatch.setattr(firewall, "has_ipv6", lambda: False)

    async def in_force(self, _program: str) -> str:
        return self.saved

    async def make_whole(self, chains: Sequence[Chain], _saved: str, _program: str) -> bool:
        self.made.append(chains)
        lines = [line for chain in chains for line in chain.restored(DOCKER)]
        self.saved = DOCKER + "\n".join(line.replace("-I ", "-A ") for line in lines)
        return True


async def test_what_others_removed_is_up_again_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, fence = Kernel(monkeypatch), PreviewFence()
    networks = {"one": Egress.OPEN, "two": Egress.NONE}
    await fence.stand(networks)
    await fence.stand(networks)
    assert len(kernel.made) == 1 and not fence.warnings, "nothing is made again that is there"
    assert f"-A GALLEY-EGRESS -i {interface('one')} -j RETURN" in kernel.saved
    assert f"-A GALLEY-EGRESS -i {interface('two')} -j REJECT" in kernel.saved

    kernel.saved = DOCKER
    await fence.stand(networks)
    assert len(kernel.made) == 2 and fence.warnings == (FLUSHED,) and not fence.gap
    await fence.stand(networks | {"three": Egress.NONE})
    assert len(kernel.made) == 3, "another network"
    kernel.saved = kernel.saved.replace("-A DOCKER-USER", "-A ELSEWHERE")
    await fence.stand(networks)
    assert len(kernel.made) == 4, "a jump is missing"


async def test_another_agents_rules_are_no_removal(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, mine, other = Kernel(monkeypatch), PreviewFence(), PreviewFence()
    await mine.stand({"one": Egress.OPEN})
    await other.stand({"one": Egress.OPEN, "two": Egress.NONE})
    await mine.stand({"one": Egress.OPEN, "two": Egress.NONE})
    assert not mine.warnings and not other.warnings and len(kernel.made) == 3


class DiesWhileItMakes:
    """An engine whose agent is killed while a network is made."""

    def __init__(self, kernel: Kernel) -> None:
        self.networks = self
        self.kernel = kernel
        self.before = ""

    async def list(self, _labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        return {}

    async def create(self, *_: Any) -> None:
        self.before = self.kernel.saved
        raise asyncio.CancelledError


class Slow:
    """An engine that two agents use, whose new network is not there yet when the second one looks."""

    def __init__(self) -> None:
        self.networks = self
        self.there: dict[str, Mapping[str, str]] = {}
        self.making, self.made = asyncio.Event(), asyncio.Event()

    async def list(self, _labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        return dict(self.there)

    async def create(self, name: str, labels: Mapping[str, str], _bridge: str) -> None:
        self.making.set()
        await self.made.wait()
        self.there[name] = labels


@pytest.mark.parametrize("agents", [1, 2])
async def test_nobody_replaces_rules_for_a_network_that_is_being_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, agents: int
) -> None:
    monkeypatch.setattr(firewall, "TURN", tmp_path / "turn")
    kernel, engine = Kernel(monkeypatch), Slow()
    mine, *others = [DockerRuntime(cast(Any, engine), PreviewFence()) for _ in range(agents)]
    making = asyncio.create_task(mine.ensure_network("net", {EGRESS: Egress.NONE.value}))
    await engine.making.wait()
    keeping = asyncio.create_task((others or [mine])[0].keep_fence())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not keeping.done()
    engine.made.set()
    await asyncio.gather(making, keeping)
    assert f"-A GALLEY-EGRESS -i {interface('net')} -j REJECT" in kernel.saved


async def test_the_rules_are_up_before_the_network_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = DiesWhileItMakes(Kernel(monkeypatch))
    runtime = DockerRuntime(cast(Any, engine), PreviewFence())
    with pytest.raises(asyncio.CancelledError):
        await runtime.ensure_network("net", {EGRESS: Egress.NONE.value})
    assert f"-A GALLEY-EGRESS -i {interface('net')} -j REJECT" in engine.before


async def test_without_rules_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firewall, "available", lambda: False)
    fence, unwanted = PreviewFence(), PreviewFence(wanted=False)
    await fence.stand({})
    await unwanted.stand({})
    assert "they need root and iptables" in fence.gap and fence.warnings == (fence.gap,)
    assert "GALLEY_FIREWALL=false" in unwanted.gap and not unwanted.warnings, "its operator wants it so"
