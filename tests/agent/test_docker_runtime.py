"""The Docker runtime keeps the contract of `runtime.base`, against a real engine."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
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
    Mount,
    Resources,
    RestartPolicy,
)
from seatrial.agent.vocabulary.errors import RuntimeUnavailable, StartError
from seatrial.agent.vocabulary.labels import FINGERPRINT
from tests.agent.previews import until

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


async def ended(runtime: DockerRuntime, name: str, *, out_of_memory: bool = False) -> None:
    """A busy engine learns of the end before it learns of its reason."""

    async def has_ended() -> bool:
        found = await runtime.get(name)
        return found is not None and found.state == "exited" and found.oom_killed == out_of_memory

    await until(has_ended)


async def well(runtime: DockerRuntime, name: str, network: str, check: HealthCheck) -> str | None:
    problem: str | None = "never asked"
    for _ in range(600):
        container = await runtime.get(name)
        assert container is not None
        problem = await runtime.check(container, network, check)
        if problem is None:
            return None
        await asyncio.sleep(0.05)
    return problem


async def test_starting_twice_gives_the_same_container_and_another_fingerprint_a_new_one(
    runtime: DockerRuntime, network: str, spec: ContainerSpec
) -> None:
    first = await runtime.start(spec)
    again = await runtime.start(spec)
    assert first.state == "running" and again.started_at == first.started_at
    replaced = await runtime.start(replace(spec, labels=dict(spec.labels) | {FINGERPRINT: "f2"}))
    assert replaced.started_at != first.started_at


async def test_a_stopped_container_is_started_again(
    runtime: DockerRuntime, network: str, spec: ContainerSpec
) -> None:
    await runtime.start(spec)
    await runtime.stop(spec.name, 0)
    stopped = await runtime.get(spec.name)
    assert stopped is not None and stopped.state == "exited"
    assert (await runtime.start(spec)).state == "running"


async def test_http_tcp_and_command_checks(runtime: DockerRuntime, network: str, spec: ContainerSpec) -> None:
    container = await runtime.start(spec)
    assert await well(runtime, spec.name, network, HealthCheck(http_path="/", port=8080)) is None
    problem = await runtime.check(container, network, HealthCheck(http_path="/nothing", port=8080))
    assert problem == "GET /nothing on port 8080 answered 404, not 200"
    assert (
        await runtime.check(container, network, HealthCheck(http_path="/nothing", port=8080, status=0))
        is None
    )
    assert await runtime.check(container, network, HealthCheck(port=8080)) is None
    refused = await runtime.check(container, network, HealthCheck(port=8081))
    assert refused == "port 8081 does not accept connections (connection refused)"
    assert await runtime.check(container, network, HealthCheck(command=["true"])) is None
    failed = await runtime.check(container, network, HealthCheck(command=["sh", "-c", "echo no; exit 3"]))
    assert failed == "the health command ended with 3: no"


async def test_a_health_command_has_its_own_time_and_does_not_pile_up(
    runtime: DockerRuntime, network: str, spec: ContainerSpec
) -> None:
    container = await runtime.start(replace(spec, command=["sleep", "600"]))
    slow = HealthCheck.inside(["sleep", "6"], interval=10, timeout=20, retries=3, start_period=0)
    assert await runtime.check(container, network, slow) is None
    hangs = HealthCheck(command=["sleep", "500"], ask_seconds=0.2)
    told = [await runtime.check(container, network, hangs) for _ in range(5)]
    assert told[0] == "the health command did not end within 0.2 s" and (told[4] or "").endswith(", 3 times")

    async def three_hang() -> bool:
        top = await runtime.engine._connection.api.containers.container(spec.name).top()
        return len([line for line in top["Processes"] if "500" in line[-1]]) == 3

    await until(three_hang)  # a busy engine begins a command late
    assert (await runtime.check(container, network, hangs) or "").endswith(", 3 times")
    assert await three_hang()


async def test_limits_reach_the_engine(runtime: DockerRuntime, network: str, spec: ContainerSpec) -> None:
    await runtime.start(spec)
    shown = (await runtime.engine._connection.api.containers.get(spec.name))["HostConfig"]
    assert (shown["Memory"], shown["MemorySwap"]) == (64 << 20, 64 << 20)
    assert (shown["NanoCpus"], shown["PidsLimit"]) == (500_000_000, 50)
    assert shown["SecurityOpt"] == ["no-new-privileges"]
    assert shown["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "2", "max-size": "10m"}}


async def test_too_much_memory_is_named(runtime: DockerRuntime, network: str, spec: ContainerSpec) -> None:
    greedy = replace(spec, command=["dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1"])
    await runtime.start(greedy)
    await ended(runtime, spec.name, out_of_memory=True)
    found = await runtime.get(spec.name)
    assert found is not None and (found.exit_code, found.oom_killed) == (137, True)


async def test_what_a_container_listens_on(runtime: DockerRuntime, network: str, spec: ContainerSpec) -> None:
    both = "httpd -p 8080 -h /www; exec httpd -f -p 127.0.0.1:9090 -h /www"
    await runtime.start(replace(spec, command=["sh", "-c", both]))
    assert await well(runtime, spec.name, network, HealthCheck(port=8080)) is None
    container = await runtime.get(spec.name)
    assert container is not None

    async def both_listen() -> bool:
        return len(await runtime.listening(container, network)) == 2

    await until(both_listen)
    assert await runtime.listening(container, network) == [Listener(8080), Listener(9090, loopback=True)]


def test_listeners_ignores_the_engines_own_dns() -> None:
    tables = "  sl local\n 0: 0B00007F:A3C1 00000000:0000 0A x\n 1: 00000000:1F90 00000000:0000 0A x\n"
    assert listeners(tables) == [Listener(8080)]


async def test_logs_are_cut_into_lines_with_their_stream_and_time(
    runtime: DockerRuntime, network: str, spec: ContainerSpec
) -> None:
    script = "echo one; echo two >&2; printf three"
    await runtime.start(replace(spec, command=["sh", "-c", script]))
    lines = [line async for line in runtime.logs(spec.name, follow=True)]
    assert {(line.stream, line.text) for line in lines} == {
        ("stdout", "one"),
        ("stderr", "two"),
        ("stdout", "three"),
    }
    latest = max(line.at for line in lines)
    assert [line async for line in runtime.logs(spec.name, follow=False, since=latest)] == []
    assert len([line async for line in runtime.logs(spec.name, follow=False, tail=1)]) == 1
    assert [line async for line in runtime.logs("galley-test-absent", follow=True)] == []


async def test_changes_tell_what_happens_to_labelled_containers(
    runtime: DockerRuntime, network: str, spec: ContainerSpec, labels: dict[str, str]
) -> None:
    seen: list[str] = []
    changes = runtime.changes(labels)
    first = asyncio.ensure_future(
        anext(changes)
    )  # what happens from now on is told, however late the engine hears it
    await asyncio.sleep(0)
    await runtime.start(spec)
    await runtime.remove(spec.name)
    async with asyncio.timeout(60):
        change = await first
        while not seen or change.action != "destroy":
            seen.append(f"{change.name} {change.action}")
            change = await anext(changes)
    assert seen[0] == f"{spec.name} start" and change.name == spec.name


async def test_a_change_while_the_engine_is_asked_for_changes_is_told(
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
    async with asyncio.timeout(60):
        change = await first
    assert (change.name, change.action) == (spec.name, "start")


async def test_networks_volumes_and_listing_by_label(
    runtime: DockerRuntime, network: str, name: str, spec: ContainerSpec, labels: dict[str, str]
) -> None:
    await runtime.ensure_volume(f"{name}-data", labels)
    await runtime.start(replace(spec, mounts=[Mount(f"{name}-data", "/data")]))
    await runtime.ensure_network(f"{name}-2", labels)
    await runtime.connect(spec.name, f"{name}-2", ["db"])
    await runtime.connect(spec.name, f"{name}-2", ["db"])
    joined = await runtime.get(spec.name)
    assert joined is not None and set(joined.addresses) == {name, f"{name}-2"}
    assert set(await runtime.list_networks(labels)) == {name, f"{name}-2"}
    assert set(await runtime.list_volumes(labels)) == {f"{name}-data"}
    assert [c.name for c in await runtime.list_containers(labels)] == [spec.name]
    await runtime.remove(spec.name)
    await runtime.remove(spec.name)
    for _ in range(2):
        await runtime.remove_network(name)
        await runtime.remove_volume(f"{name}-data")
    assert set(await runtime.list_networks(labels)) == {f"{name}-2"}
    assert await runtime.list_volumes(labels) == {}


def test_a_range_of_exposed_ports_is_its_first() -> None:
    assert tcp_ports(["8080/tcp", "3000-3010/tcp", "53/udp", "${PORT}", "9000"]) == [3000, 8080, 9000]


async def test_clear_errors(runtime: DockerRuntime, network: str, spec: ContainerSpec) -> None:
    with pytest.raises(StartError, match="image seatrial-test-none:1 is not on the host"):
        await runtime.start(replace(spec, image="seatrial-test-none:1"))
    with pytest.raises(StartError, match="'no-such-program' cannot be run inside"):
        await runtime.start(replace(spec, command=["no-such-program"]))
    away = DockerRuntime(Engine("unix:///nonexistent/docker.sock"))
    with pytest.raises(RuntimeUnavailable, match="does not answer"):
        await away.ping()
    with pytest.raises(RuntimeUnavailable):
        await away.list_containers({})
    await away.close()


@pytest.mark.parametrize("milliseconds", [1, 5, 15, 40])
async def test_what_was_cancelled_appears_at_once_or_never(
    runtime: DockerRuntime, name: str, labels: dict[str, str], spec: ContainerSpec, milliseconds: int
) -> None:
    async def cancelled(work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        await asyncio.sleep(milliseconds / 1000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    await cancelled(runtime.ensure_network(name, labels))
    networks = await runtime.list_networks(labels)
    await cancelled(runtime.ensure_volume(name, labels))
    volumes = await runtime.list_volumes(labels)
    await asyncio.sleep(1)
    assert (await runtime.list_networks(labels), await runtime.list_volumes(labels)) == (networks, volumes)

    await runtime.ensure_network(name, labels)
    await cancelled(runtime.start(spec))
    before = await runtime.get(spec.name)
    await asyncio.sleep(1)
    after = await runtime.get(spec.name)
    assert after == before and after is not None
