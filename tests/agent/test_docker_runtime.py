"""What only the Docker runtime does (tests/runtime has what every runtime does), against a real engine."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from seatrial.agent.engine import Engine
from seatrial.agent.engine.images import tcp_ports
from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.runtime.docker.checks import listeners
from seatrial.agent.vocabulary.containers import (
    ContainerSpec,
    HealthCheck,
    Listener,
    Resources,
    RestartPolicy,
)
from seatrial.agent.vocabulary.errors import RuntimeUnavailable, StartError
from seatrial.agent.vocabulary.labels import FINGERPRINT
from seatrial.agent.vocabulary.options import Options, Tmpfs, without_capabilities
from seatrial.wire.states import Isolation
from tests.waiting import LIMIT_SECONDS, until

pytestmark = pytest.mark.docker

SERVE = ["httpd", "-f", "-p", "8080", "-h", "/www"]


@pytest.fixture
def name(agent_id: str) -> str:
    return f"galley-test-{agent_id[-8:].lower()}"


@pytest.fixture
def spec(name: str, labels: dict[str, str], busybox: str) -> ContainerSpec:
    return ContainerSpec(
        name=f"{name}-web",
        image=busybox,
        labels=labels | {FINGERPRINT: "f1"},
        networks={name: ["web"]},
        command=SERVE,
        resources=Resources(cpus=0.5, memory_mb=64, pids=50),
        restart=RestartPolicy.NEVER,
    )


@pytest.fixture
async def network(runtime: DockerRuntime, name: str, labels: dict[str, str]) -> str:
    await runtime.ensure_network(name, labels)
    await runtime.ensure_network(name, labels)
    return name


async def test_a_health_command_has_its_own_time_and_does_not_pile_up(
    runtime: DockerRuntime, network: str, spec: ContainerSpec
) -> None:
    container = await runtime.start(replace(spec, command=["sleep", "600"]))
    slow = HealthCheck.inside(["sleep", "6"], interval=10, timeout=20, retries=3, start_period=0)
    assert await runtime.check(container, network, slow) is None
    hangs = HealthCheck(command=["sleep", "500"], ask_seconds=0.2)
    told = [await runtime.check(container, network, hangs) for _ in range(5)]
    seen = [unwell.seen for unwell in told if unwell]
    assert seen[0] == "the health command did not end within 0.2 s" and seen[4].endswith(", 3 times")

    async def three_hang() -> bool:
        top = await runtime.engine._connection.api.containers.container(spec.name).top()
        return len([line for line in top["Processes"] if "500" in line[-1]]) == 3

    await until(three_hang)  # a busy engine begins a command late
    unwell = await runtime.check(container, network, hangs)
    assert unwell is not None and unwell.seen.endswith(", 3 times")
    assert await three_hang()


ASKED = Options(
    tty=True,
    stdin_open=True,
    hostname="broker",
    init=True,
    read_only=True,
    tmpfs=[Tmpfs("/scratch", size_mb=5), Tmpfs("/large", size_mb=9000, mode=0o700)],
    shm_size_mb=3,
    sysctls={"net.core.somaxconn": "77"},
    without_capabilities=without_capabilities(["ALL"], ["CHOWN"]),
    ulimits={"nofile": (100, 200)},
    extra_hosts={"api.test": ["10.0.0.5"]},
)
LOOKS = """hostname; echo $(grep api.test /etc/hosts); cat /proc/1/comm; echo $(cat /proc/sys/net/core/somaxconn); ulimit -n; touch /x; echo > /scratch/x && echo written
for at in /scratch /large /dev/shm; do df -k $at | awk '{print $NF, $2}' | tail -n 1; done
grep CapBnd /proc/self/status; test -t 0 && echo terminal; exec cat"""


@pytest.mark.parametrize("isolation", [None, Isolation.GVISOR])
async def test_everything_that_is_asked_for_is_there(
    runtime: DockerRuntime, network: str, spec: ContainerSpec, isolation: Isolation | None
) -> None:
    if isolation and await runtime.uncontained():
        pytest.skip("no gVisor here")
    room = replace(spec.resources, pids=512)  # gVisor itself has dozens
    asked = replace(spec, command=["sh", "-c", LOOKS], options=ASKED, isolation=isolation, resources=room)
    await runtime.start(asked)
    lines = []
    async with asyncio.timeout(LIMIT_SECONDS):
        async for line in runtime.logs(spec.name, follow=True):
            lines.append(line.text)
            if line.text == "terminal":
                break
    assert lines == [
        "broker",
        "10.0.0.5 api.test",
        "docker-init",
        "128" if isolation else "77",
        "100",
        "touch: /x: Read-only file system",
        "written",
        "/scratch 5120",
        "/large 65536",
        "/dev/shm 3072",
        "CapBnd:\t0000000000000001",
        "terminal",
    ]
    said = ["sysctls (gVisor has a kernel of its own)"] if isolation else []
    assert runtime.left_out(asked) == said


async def test_limits_reach_the_engine(runtime: DockerRuntime, network: str, spec: ContainerSpec) -> None:
    await runtime.start(spec)
    shown = (await runtime.engine._connection.api.containers.get(spec.name))["HostConfig"]
    assert (shown["Memory"], shown["MemorySwap"]) == (64 << 20, 64 << 20)
    assert (shown["NanoCpus"], shown["PidsLimit"]) == (500_000_000, 50)
    assert shown["SecurityOpt"] == ["no-new-privileges"]
    assert shown["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "2", "max-size": "10m"}}


def test_listeners_ignores_the_engines_own_dns() -> None:
    tables = "  sl local\n 0: 0B00007F:A3C1 00000000:0000 0A x\n 1: 00000000:1F90 00000000:0000 0A x\n"
    assert listeners(tables) == [Listener(8080)]


async def test_a_change_during_the_request_for_changes_is_reported(
    runtime: DockerRuntime,
    network: str,
    spec: ContainerSpec,
    labels: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection, asking, go_on = runtime.engine._connection, asyncio.Event(), asyncio.Event()
    request = connection.request

    @contextlib.asynccontextmanager
    async def slow(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        asking.set()
        await go_on.wait()
        async with request(*args, **kwargs) as response:
            yield response

    monkeypatch.setattr(connection, "request", slow)
    first = asyncio.ensure_future(anext(runtime.changes(labels)))
    await asking.wait()
    await runtime.start(spec)
    go_on.set()
    async with asyncio.timeout(LIMIT_SECONDS):
        change = await first
    assert (change.name, change.action) == (spec.name, "start")


def test_a_range_of_exposed_ports_is_its_first() -> None:
    assert tcp_ports(["8080/tcp", "3000-3010/tcp", "53/udp", "${PORT}", "9000"]) == [3000, 8080, 9000]


async def test_clear_errors(runtime: DockerRuntime, network: str, spec: ContainerSpec) -> None:
    with pytest.raises(StartError, match="image seatrial-test-none:1 is not on the host"):
        await runtime.start(replace(spec, image="seatrial-test-none:1"))
    with pytest.raises(
        StartError, match=r"'no-such-program' cannot be run in its image: .* Install the program"
    ):
        await runtime.start(replace(spec, command=["no-such-program"]))
    await runtime.remove(spec.name)
    with pytest.raises(StartError, match=r"permission denied\. Make the file executable"):
        await runtime.start(replace(spec, command=["/etc/hostname"]))
    away = DockerRuntime(Engine("unix:///nonexistent/docker.sock"))
    with pytest.raises(RuntimeUnavailable, match="does not answer"):
        await away.ping()
    with pytest.raises(RuntimeUnavailable):
        await away.list_containers({})
    await away.close()
