"""A preview reaches neither its host nor another preview, against a real engine and real firewall rules."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from seatrial.agent import firewall
from seatrial.agent.runtime.docker import DockerRuntime, egress
from seatrial.agent.runtime.docker.fence import PreviewFence, interface
from seatrial.agent.runtime.docker.networks import _egress
from seatrial.agent.vocabulary.containers import ContainerSpec, HealthCheck, Resources, RestartPolicy
from seatrial.agent.vocabulary.egress import Egress
from seatrial.agent.vocabulary.labels import EGRESS, FINGERPRINT, MANAGED
from tests.agent.elsewhere import elsewhere
from tests.engines import missing
from tests.waiting import LIMIT_SECONDS

pytestmark = pytest.mark.docker


@pytest.fixture
async def listener() -> AsyncIterator[int]:
    """A server of the operator on the host, listening on every address."""

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"REACHED\n")
        writer.close()

    server = await asyncio.start_server(greet, "0.0.0.0", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def said(runtime: DockerRuntime, spec: ContainerSpec, script: str) -> str:
    """The output of a container that runs `script`."""
    await runtime.start(replace(spec, name=f"{spec.name}-asks", command=["sh", "-c", script]))
    async with asyncio.timeout(LIMIT_SECONDS):
        lines = [line.text async for line in runtime.logs(f"{spec.name}-asks", follow=True)]
    await runtime.remove(f"{spec.name}-asks")
    return "\n".join(lines)


def doors(network: str) -> list[str]:
    """The host's addresses that a container of `network` could try; those of other networks are left out."""
    others = ("lo", "br-", "veth", "galley")
    return [
        address.address
        for name, addresses in psutil.net_if_addrs().items()
        for address in addresses
        if address.family.name == "AF_INET" and (name == interface(network) or not name.startswith(others))
    ]


async def test_neither_the_host_nor_another_network_nor_the_metadata(
    runtime: DockerRuntime, agent_id: str, labels: dict[str, str], busybox: str, listener: int
) -> None:
    if not firewall.available():
        missing("no iptables, or no root: previews are not fenced here")
    runtime.fence = PreviewFence()
    one, two = (f"galley-test-{agent_id[-8:].lower()}-{n}" for n in (1, 2))
    for network in (one, two):
        await runtime.ensure_network(network, labels)
    spec = ContainerSpec(
        name=f"{one}-web", image=busybox, labels=labels | {FINGERPRINT: "f"}, networks={one: ["web"]},
        command=["httpd", "-f", "-p", "8080", "-h", "/www"], resources=Resources(1, 64, 50), restart=RestartPolicy.NEVER,
    )  # fmt: skip
    web = await runtime.start(spec)
    elsewhere = replace(spec, name=f"{two}-web", networks={two: ["web"]})
    address = web.addresses[one]
    targets = [f"{host} {listener}" for host in doors(two)]
    targets += [f"{address} 8080", "web 8080", f"{one}-web 8080", "169.254.169.254 80"]
    script = "; ".join(f"echo | busybox timeout 2 nc {target} && echo OPEN {target}" for target in targets)
    heard = await said(runtime, elsewhere, script + "; echo asked")
    assert "asked" in heard and "OPEN" not in heard
    # The other way, and its own sibling, stay open.
    check = HealthCheck(http_path="/", status=200, port=8080)
    assert await runtime.check(web, one, check) is None
    assert "OPEN" in await said(
        runtime, spec, f"printf 'GET / HTTP/1.0\\n\\n' | nc {address} 8080 && echo OPEN"
    )


async def opened(runtime: DockerRuntime, container: str, targets: list[str]) -> set[str]:
    """Those of `targets` (address and port) where somebody listens, as `container` sees it. They are asked side by side: whoever asks
    holds up all agents of this host."""
    asks = " ".join(
        f"(busybox timeout 8 nc {target} </dev/null && echo OPEN {target}) &" for target in targets
    )
    outcome = await (
        await runtime.engine.containers.execute(container, ["sh", "-c", f"{asks} wait; echo asked"])
    ).outcome()
    assert outcome is not None and "asked" in outcome[1], outcome
    return {line.removeprefix("OPEN ") for line in outcome[1].splitlines() if line.startswith("OPEN")}


async def test_the_internet_is_open_and_private_networks_only_to_those_that_may(
    runtime: DockerRuntime, agent_id: str, labels: dict[str, str], busybox: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    if not firewall.available():
        missing("no iptables, or no root: previews are not fenced here")
    runtime.fence = PreviewFence()
    name = f"galley-test-{agent_id[-8:].lower()}"
    with elsewhere() as place:
        resolver = tmp_path / "resolv.conf"
        resolver.write_text(f"nameserver {place.private}\nnameserver 127.0.0.53\n")
        monkeypatch.setattr(egress, "RESOLVERS", (resolver,))
        addresses = (place.internet, place.private, place.shared, place.metadata)
        targets = [f"{address} 8080" for address in addresses] + [f"{place.private} 53"]
        internet, private, shared, _, names = targets
        reached = {}
        for kind in Egress:
            await runtime.ensure_network(f"{name}-{kind}", labels | {EGRESS: kind.value})
            await runtime.start(ContainerSpec(
                name=f"{name}-{kind}", image=busybox, labels=labels | {FINGERPRINT: "f"}, networks={f"{name}-{kind}": []},
                command=["sleep", "600"], resources=Resources(1, 64, 50), restart=RestartPolicy.NEVER,
            ))  # fmt: skip
        for kind in Egress:
            # Rules of other agents on this host do not have this test's resolver.
            async with runtime.fence.alone():
                await runtime.fence.stand(_egress(await runtime.list_networks({MANAGED: "true"})))
                reached[kind] = await opened(runtime, f"{name}-{kind}", targets)
    assert reached == {
        Egress.NONE: set(),
        Egress.INTERNET: {internet, names},
        Egress.OPEN: {internet, names, private, shared},
    }
    for program in (firewall.IPV4, firewall.IPV6):
        saved = await firewall.in_force(program) or ""
        assert not [one for one in runtime.fence._made[program] if one.flushed_in(saved)], program
    assert not runtime.warnings


class Tried(PreviewFence):
    """A fence whose attempts to put up rules end as listed in `outcomes`; None: the attempt is cancelled."""

    def __init__(self, *outcomes: bool | None) -> None:
        super().__init__()
        self.outcomes = list(outcomes)

    async def _put_up(self, networks: Mapping[str, Egress]) -> bool:
        outcome = self.outcomes.pop(0)
        if outcome is None:
            raise asyncio.CancelledError
        return outcome


async def test_the_rules_go_up_again_over_networks_that_are_there_and_after_every_trouble(
    runtime: DockerRuntime, agent_id: str, labels: dict[str, str]
) -> None:
    network = f"galley-test-{agent_id[-8:].lower()}"
    await runtime.ensure_network(network, labels)
    runtime.fence = fence = Tried(None, False, True)  # as after a restart of the host
    with pytest.raises(asyncio.CancelledError):
        await runtime.ensure_network(network, labels)
    await runtime.ensure_network(network, labels)
    assert any("previews can reach services on their host" in warning for warning in runtime.warnings)
    await runtime.ping()
    assert fence.outcomes == [] and not runtime.warnings
    runtime.fence = PreviewFence(wanted=False)
    await runtime.ping()
    assert not runtime.warnings


def test_interfaces_have_names_that_a_kernel_takes() -> None:
    names = {interface(f"galley-pr-{n}-a-long-repository-name") for n in range(1000)}
    assert len(names) == 1000
    assert all(len(name) <= 15 and name.startswith("galley") for name in names)
