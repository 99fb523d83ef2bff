"""The engine goes away and comes back: nothing is lost, everything converges."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from seatrial.agent.engine import Engine
from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.vocabulary.labels import AGENT
from seatrial.wire.deployments import (
    DeploymentFailed,
    EnvironmentObserved,
    EnvironmentRemoved,
)
from tests.agent.harness import Agent, deployment, environment
from tests.agent.previews import come_up, fetch, single
from tests.repositories import Repository
from tests.waiting import until

pytestmark = pytest.mark.docker


class Wire:
    """A socket that forwards to the engine's, and that can be cut."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def connect(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.close()
        self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection("/var/run/docker.sock")
        self._open |= {writer, back}

        async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                while data := await source.read(65536):
                    target.write(data)
                    await target.drain()
            with contextlib.suppress(ConnectionError, OSError, RuntimeError):
                target.write_eof()

        await asyncio.gather(pump(reader, back), pump(there, writer))
        for end in (writer, back):
            end.close()
            self._open.discard(end)


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    wire = Wire(tmp_path / "engine.sock")
    await wire.connect()
    yield wire
    await wire.cut()


@pytest.fixture
async def agent(agent_id: str, tmp_path: Path, wire: Wire, runtime: DockerRuntime) -> AsyncIterator[Agent]:
    through = DockerRuntime(Engine(f"unix://{wire.path}"))
    yield Agent(agent_id, tmp_path / "agent", through)
    await through.close()


async def test_a_live_preview_survives_the_engines_absence(
    agent: Agent, wire: Wire, tmp_path: Path, busybox: str, runtime: DockerRuntime
) -> None:
    repository = Repository(tmp_path / "shop")
    files = single(busybox, "httpd -f -p 80 -h /www", "    expose: 80\n")
    wanted = environment(repository, "pr-1-away", candidate=deployment(repository.commit(files)))
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
        await agent.reports.next(EnvironmentObserved, revision=2)
        await wire.cut()
        await asyncio.sleep(1.5)
        assert agent.reports.all(EnvironmentRemoved) == [] and agent.reports.all(DeploymentFailed) == []
        await runtime.remove(ready.services[0].container)
        seen = len(agent.reports.events)
        await wire.connect()

        async def answers() -> bool:
            latest = agent.reports.all(EnvironmentObserved)[-1]
            with contextlib.suppress(Exception):
                return await fetch(latest.services[0].endpoint) == "ok\n"
            return False

        await until(answers)
        await agent.reports.next(EnvironmentObserved, seen, revision=2)
        environments.unwanted(wanted.environment)
        await agent.reports.next(EnvironmentRemoved)
    assert await runtime.list_containers({AGENT: agent.id}) == []
