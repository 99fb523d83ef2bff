"""Whether firewall rules count is found out by knocking at the host from a preview's place."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.agent import firewall, proof
from seatrial.agent.builds.assembly import docker_builds
from seatrial.agent.proof import HEARD, Proof
from seatrial.agent.runtime.docker import DockerRuntime, networks
from seatrial.agent.runtime.docker.fence import ELSEWHERE, PreviewFence
from seatrial.agent.sandboxes.assembly import sandbox_image
from tests.engines import missing
from tests.waiting import until


@pytest.fixture
def tried(runtime: DockerRuntime, agent_id: str, tmp_path: Path) -> Iterator[Proof]:
    if not firewall.available():
        missing("no iptables, or no root: previews are not fenced here")
    runtime.fence = PreviewFence()
    _, images, _ = docker_builds(runtime.engine, tmp_path / "builds", "isolated")
    yield Proof(runtime, sandbox_image(runtime.engine, images, tmp_path / "builds"), agent_id)


@pytest.mark.docker
async def test_rules_that_count_keep_it_out_and_rules_for_other_interfaces_do_not(
    tried: Proof, runtime: DockerRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not await tried.heard()
    assert not runtime.warnings

    for module in (networks, proof):  # bridges that no rule is for
        monkeypatch.setattr(module, "interface", lambda name: f"seatrial{name[-6:]}")
    monkeypatch.setattr(proof, "AGAIN_SECONDS", 0.1)
    running = asyncio.create_task(tried.run())
    await until(lambda: runtime.warnings, what="it is noticed")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert runtime.warnings == (HEARD,)
    assert await runtime.list_networks(tried.labels) == {}
    assert await runtime.list_containers(tried.labels) == []


def test_a_bridge_that_is_not_here_says_that_the_rules_are_elsewhere() -> None:
    fence = PreviewFence()
    fence.look_for("lo")
    assert not fence.warnings
    fence.look_for("galley-nowhere")
    assert fence.warnings == (ELSEWHERE,)
    assert not PreviewFence(wanted=False).warnings


@pytest.mark.parametrize(
    ("has_the_chain", "program"),
    [
        ("iptables", "iptables"),
        ("iptables-legacy", "iptables-legacy"),
        ("iptables-nft", "iptables-nft"),
        ("", "iptables"),
    ],
)
async def test_rules_go_to_the_filter_that_the_engine_uses(
    has_the_chain: str, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, ...]] = []

    async def run(program: str, *arguments: str) -> bool:
        ran.append((program, *arguments))
        return arguments[0] != "-S" or program == has_the_chain

    monkeypatch.setattr(firewall, "_run", run)
    assert await firewall.put_up("OURS", [("-j", "REJECT")], ("INPUT", "-i", "galley+"))
    assert await firewall.insert("raw", ("PREROUTING", "-j", "DROP"))
    assert {line[0] for line in ran if "-S" not in line} == {program}
    ran.clear()
    await firewall.put_up("OURS", [], program=firewall.IPV6)
    assert ran[-1][0] == program.replace("iptables", "ip6tables")
