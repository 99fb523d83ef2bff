"""The ingress on another host reaches a preview, and nobody else does: real engine, real packet filter, namespaces as hosts."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.agent import firewall
from seatrial.agent.commands.running import run
from seatrial.agent.doors import Doors
from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.runtime.docker.fence import PreviewFence
from seatrial.agent.vocabulary.containers import ContainerSpec, Resources, RestartPolicy
from seatrial.agent.vocabulary.labels import FINGERPRINT
from seatrial.wire.deployments import ObservedService
from seatrial.wire.states import ServiceKind
from tests.engines import missing

pytestmark = pytest.mark.docker
HERE, INGRESS, STRANGER = (f"10.213.{os.getpid() % 250}.{number}" for number in (1, 2, 3))


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Another host in our network, with two addresses: one of an ingress, one of somebody else."""
    if not firewall.available():
        missing("no iptables, or no root")
    name, ours, theirs = (f"gt{what}{os.getpid()}" for what in ("ns", "a", "b"))
    ip("netns", "add", name)
    try:
        ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", name)
        ip("addr", "add", f"{HERE}/24", "dev", ours)
        ip("link", "set", ours, "up")
        for address in (INGRESS, STRANGER):
            ip("-n", name, "addr", "add", f"{address}/24", "dev", theirs)
        ip("-n", name, "link", "set", theirs, "up")
        ip("-n", name, "route", "add", "default", "via", HERE)
        yield name
    finally:
        ip("netns", "del", name)


async def fetched(host: str, source: str, target: str) -> str:
    """The page at `target`, asked for from `host`; empty if nobody is there."""
    command = ["ip", "netns", "exec", host, "curl", "-s", "--max-time", "2", "--interface", source]
    process = await asyncio.create_subprocess_exec(
        *command, f"http://{target}/", stdout=asyncio.subprocess.PIPE
    )
    return (await process.communicate())[0].decode()


async def test_the_ingress_of_another_host_gets_in_by_its_door_and_nobody_else_and_by_no_other_way(
    runtime: DockerRuntime,
    agent_id: str,
    labels: dict[str, str],
    busybox: str,
    elsewhere: str,
    tmp_path: Path,
) -> None:
    runtime.fence = PreviewFence()
    network = f"galley-test-{agent_id[-8:].lower()}"
    await runtime.ensure_network(network, labels)
    spec = ContainerSpec(
        name=f"{network}-web", image=busybox, labels=labels | {FINGERPRINT: "f"}, networks={network: ["web"]},
        command=["httpd", "-f", "-p", "8080", "-h", "/www"], resources=Resources(1, 64, 50), restart=RestartPolicy.NEVER,
    )  # fmt: skip
    doors = Doors(HERE, [INGRESS], tmp_path / "doors.json")

    async def door() -> str:
        container = await runtime.get(spec.name)
        assert container is not None
        seen = ObservedService(
            name="web",
            kind=ServiceKind.WEB,
            state="running",
            container=spec.name,
            endpoint=f"{container.addresses[network]}:8080",
        )
        [opened] = await doors.open("e", [seen])
        assert not doors.warnings and opened.endpoint
        return opened.endpoint

    try:
        inside = (await runtime.start(spec)).addresses[network]
        first = await door()
        assert await fetched(elsewhere, INGRESS, first) == "ok\n"
        assert await fetched(elsewhere, STRANGER, first) == "", "not an ingress"
        assert await fetched(elsewhere, INGRESS, f"{inside}:8080") == "", (
            "its own address leads nowhere from outside"
        )

        await runtime.stop(spec.name, 0)
        other = replace(spec, name=f"{network}-other")  # it takes the address
        await runtime.start(other)
        await runtime.start(spec)
        assert (await runtime.get(spec.name)).addresses[network] != inside  # type: ignore[union-attr]
        assert await door() == first
        assert await fetched(elsewhere, INGRESS, first) == "ok\n"

        await doors.keep("e", ())
        assert await fetched(elsewhere, INGRESS, first) == ""
    finally:
        await doors.keep("e", ())
        doors.leave()
        await swept(doors)


async def swept(doors: Doors) -> None:
    """Nothing of the address is left in the packet filter."""
    for where in (("nat", "PREROUTING"), ("nat", "OUTPUT"), ("filter", await firewall.forwarding())):
        await removed_jump(*where)
    program = f"iptables{await firewall.engine_filter()}"
    for table, chain in (("nat", f"GALLEY-DOORS-{doors._mark}"), ("filter", f"GALLEY-INGRESS-{doors._mark}")):
        for what in ("-F", "-X"):
            await run([program, "-w", "5", "-t", table, what, chain])


async def removed_jump(table: str, chain: str) -> None:
    """The rules of the address that is gone with this test."""
    program = f"iptables{await firewall.engine_filter()}"
    listed = await run([program, "-w", "5", "-t", table, "-S", chain])
    for line in listed.text.splitlines():
        if HERE in line:
            await run([program, "-w", "5", "-t", table, "-D", *line.split()[1:]])
