"""What policies that may use the network reach, and what not: on a real engine, with real rules, under gVisor and without."""

import dataclasses
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from seatrial.agent import firewall
from seatrial.agent.builds.assembly import docker_builds, for_sandboxes
from seatrial.agent.engine import Engine
from seatrial.agent.sandboxes.berths import MOST, Berths, Harbour
from seatrial.agent.sandboxes.channel import SandboxError
from seatrial.agent.sandboxes.containers import ContainerSandboxes
from seatrial.agent.sandboxes.image import SandboxImage
from seatrial.agent.sandboxes.lookout import Lookouts, Question
from seatrial.agent.sandboxes.pool import Pool
from seatrial.agent.sandboxes.program import find_program
from seatrial.agent.sandboxes.walls import Walls
from seatrial.agent.vocabulary.logs import quiet
from seatrial.wire.envelope import new_id
from seatrial.wire.evaluations import PolicyResult, PolicyToRun
from seatrial.wire.states import Isolation, ResultState
from tests.engines import missing, require
from tests.repositories import Repository
from tests.sandboxes.conftest import Bench, bench_of, policy
from tests.sandboxes.harbour import HOST_NAME, Surroundings, bare, surroundings, taken_down
from tests.sandboxes.moored import Moored
from tests.sandboxes.test_documentation import NETWORKED
from tests.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.gvisor]

TRIES = """
import os, socket, urllib.request
def told(attempt):
    try:
        return str(attempt())
    except Exception as error:
        return type(error).__name__
def connected(host, port):
    socket.create_connection((host, port), 2).close()
    return "reached"
def evaluate(project, params):
    return {"passed": True, "message": project.get_file_content("README.md").strip(), "details": {
        "site": told(lambda: urllib.request.urlopen(f"https://{params['name']}/", timeout=20).read().decode()),
        "doors": [told(lambda: connected(host, port)) for host, port in params["doors"]],
        "unix": told(lambda: socket.socket(socket.AF_UNIX)),
        "kernel": told(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM)),
        "machine": told(lambda: socket.socket(40, socket.SOCK_STREAM)),
        "raw": told(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)),
        "offers": told(lambda: socket.socket().bind(("0.0.0.0", 8000))),
        "starts": told(lambda: os.fork()),
        "changes": told(lambda: open("/etc/resolv.conf", "w")),
        "trust": told(lambda: open(os.environ["REQUESTS_CA_BUNDLE"], "a")),
        "environment": sorted(os.environ),
    }}
"""
REFUSED = {"unix", "kernel", "machine", "raw", "offers", "starts"}


@dataclass
class Port:
    """Evaluations on an agent that gives policies a network."""

    bench: Bench
    backend: ContainerSandboxes
    pool: Pool
    agent: str


@dataclass
class Ports:
    """Makes them, and removes what is left of them."""

    engine: Engine
    repository: Repository
    tmp_path: Path
    made: list[tuple[Port, Walls]] = field(default_factory=list)

    async def open(self, kind: type[ContainerSandboxes], around: Surroundings) -> Port:
        self.repository.commit({"README.md": "# Ship\n", "catalogue.json": f'["{HOST_NAME}"]'})
        _, images, _ = docker_builds(self.engine, self.tmp_path / "builds", "isolated")
        agent = f"test-{new_id()[-12:].lower()}"
        backend = kind(
            self.engine,
            SandboxImage(self.engine, for_sandboxes(images, self.tmp_path / "builds"), find_program()),
            agent,
        )
        await backend.prepare()
        backend.isolation = Isolation.GVISOR if kind is Moored else Isolation.CONTAINER
        authorities = self.tmp_path / "ca.pem"
        authorities.write_text(around.authority)
        servers = (around.site,) if around.site else ()
        berths = Berths(self.engine, agent, Harbour(around.network, servers, authorities))
        pool = Pool(backend, berths=berths, size=0)
        port = Port(bench_of(pool, self.repository, self.tmp_path), backend, pool, agent)
        self.made.append((port, Walls(around.bridge, servers)))
        return port

    async def close(self) -> None:
        for port, walls in self.made:
            await port.backend.remove_orphans()
            await taken_down(port.agent, walls)


@pytest.fixture
async def ports(
    engine: Engine, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Ports]:
    """Agents' sandboxes, of either kind. An engine that would give gVisor a network, as far as this is asked."""
    require("gvisor")
    if not firewall.available():
        missing("no iptables, or no root: there are no walls here")
    monkeypatch.setattr(Moored, "folder", tmp_path / "moored", raising=False)
    machine = engine.machine

    async def networked() -> Any:
        return dataclasses.replace(await machine(), gvisor_networked=True)

    monkeypatch.setattr(engine, "machine", networked)
    ports = Ports(engine, repository, tmp_path)
    yield ports
    await ports.close()


def tries(around: Surroundings, slug: str) -> PolicyToRun:
    params = {"name": HOST_NAME, "doors": [list(door) for door in around.doors]}
    return policy(TRIES, slug, params=params, network=True)


def assert_walled(result: PolicyResult, around: Surroundings) -> None:
    assert result.state == ResultState.PASSED, result
    assert (result.network, result.memoised, result.message) == (around.network, False, "# Ship")
    found = result.details
    assert found["site"] == "hello from the site"
    assert len(found["doors"]) == 5 and set(found["doors"]) <= {"ConnectionRefusedError", "TimeoutError"}
    assert {name: found[name] for name in REFUSED} == dict.fromkeys(REFUSED, "PermissionError")
    assert {found["changes"], found["trust"]} <= {"PermissionError", "OSError"}
    assert not re.search("TOKEN|SECRET|PASSWORD|CREDENTIAL|GALLEY", " ".join(found["environment"]))


async def test_the_bridge_is_reached_and_nothing_of_the_host(ports: Ports, engine: Engine) -> None:
    """Under gVisor, and in the engine's own containers; each policy in a sandbox of its own, and others without a network."""
    image = await image_of(ports)
    async with surroundings(engine, image) as around:
        port = await ports.open(ContainerSandboxes, around)
        question = Question(outside=around.doors)
        beside = await Lookouts(engine, port.agent).look(
            image, question, gvisor=False, network=around.network
        )
        # Somebody on the same network to whom the rules do not apply; the engine itself keeps its networks apart.
        assert [one.problem for one in beside.outside[:3]] == ["", "", ""] and beside.outside[4].problem == ""
        moored = await ports.open(Moored, around)
        [result] = await moored.bench.run(tries(around, "under-gvisor"))
        assert_walled(result, around)
        await assert_apart(port, around, engine)


async def assert_apart(port: Port, around: Surroundings, engine: Engine) -> None:
    pure = policy(TRIES, "pure", params={"name": HOST_NAME, "doors": []})
    full, short = tries(around, "full"), policy(NETWORKED, "names-resolve", network=True)
    created: list[dict[str, Any]] = []
    create = engine._connection.api.containers.create

    async def recorded(config: dict[str, Any], **named: Any) -> Any:
        created.append({"name": named["name"], **config})
        return await create(config, **named)

    engine._connection.api.containers.create = recorded  # type: ignore[method-assign]
    plain, walled, other = await port.bench.run(pure, full, short)
    assert_walled(walled, around)
    assert (other.state, other.network) == (ResultState.PASSED, around.network)
    assert other.message == "1 names, unknown: none."
    assert plain.network == "" and plain.details["site"] == "URLError"
    places = sorted(config["HostConfig"]["NetworkMode"] for config in created)
    assert places == sorted(["none", around.network, around.network])
    assert all(config["name"].startswith("gitgrit-sandbox-") for config in created)
    assert len({config.get("MacAddress") for config in created}) == 3
    plain, other = await port.bench.run(pure, short)
    assert plain.memoised and not other.memoised
    await until(lambda: port.pool.berths._free.qsize() == MOST)


async def image_of(ports: Ports) -> str:
    _, images, _ = docker_builds(ports.engine, ports.tmp_path / "builds", "isolated")
    return await SandboxImage(
        ports.engine, for_sandboxes(images, ports.tmp_path / "builds"), find_program()
    ).ensure(quiet)


async def test_a_killed_agent_leaves_nothing_on_the_network(ports: Ports, engine: Engine) -> None:
    async with bare(engine) as around:
        port = await ports.open(ContainerSandboxes, around)
        berth = await port.pool.berths.take(Isolation.CONTAINER)
        unknown = dataclasses.replace(berth, hardware_address="")
        with pytest.raises(SandboxError, match="which no firewall rule knows"):
            await port.backend.start(1, dataclasses.replace(unknown, number=1))
        sandbox = await port.backend.start(1, berth)
        await sandbox.warm(1)
        await sandbox._pipe._attached.close()  # type: ignore[attr-defined]  # what the kernel does for it
        await until(lambda: nothing_of(port, engine))
        await sandbox.destroy()


async def nothing_of(port: Port, engine: Engine) -> bool:
    label = json.dumps({"label": [f"galley.agent={port.agent}"]})
    return not await engine._connection.api.containers.list(all=True, filters=label)
