"""Sandboxes of every kind that can run here, and a real repository to ask about."""

import asyncio
import hashlib
import os
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from seatrial.agent.builds.assembly import docker_builds, for_sandboxes
from seatrial.agent.checkouts.cache import Cache
from seatrial.agent.engine import Engine
from seatrial.agent.sandboxes.broker import Broker
from seatrial.agent.sandboxes.containers import ContainerSandboxes
from seatrial.agent.sandboxes.image import SandboxImage
from seatrial.agent.sandboxes.memo import Memo
from seatrial.agent.sandboxes.pool import Pool
from seatrial.agent.sandboxes.processes import ProcessSandboxes
from seatrial.agent.sandboxes.program import find_program
from seatrial.agent.sandboxes.service import Evaluations
from seatrial.wire.deployments import Source
from seatrial.wire.envelope import Message, new_id
from seatrial.wire.evaluations import ForgeFacts, PolicyToRun, RunEvaluation
from seatrial.wire.logs import LogChunk
from tests.credentials import NoCredentials
from tests.engines import require
from tests.repositories import Repository

DOCKER_HOST = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


def policy(code: str, slug: str = "policy", **fields: Any) -> PolicyToRun:
    """A policy with this code, given more time than any machine needs unless told otherwise."""
    digest = hashlib.sha256(code.encode()).hexdigest()
    return PolicyToRun(
        **{
            "version_id": new_id(),
            "slug": slug,
            "code": code,
            "digest": digest,
            "timeout_seconds": 60.0,
            **fields,
        }
    )


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty repository."""
    return Repository(tmp_path / "repository")


@dataclass
class Recorded:
    """Reports that are kept in a list."""

    messages: list[Message] = field(default_factory=list)

    async def observed(self, message: Message, *, workspace: str, about: str) -> None:
        self.messages.append(message)

    async def log(self, chunk: LogChunk, *, workspace: str) -> None:
        raise AssertionError("evaluations log nothing")


class NoJobs:
    """A queue where nothing ever comes."""

    async def fetch(self, timeout_seconds: float = 5.0) -> None:
        await asyncio.sleep(timeout_seconds)


@dataclass
class Bench:
    """Everything needed to evaluate policies on a repository's commit."""

    pool: Pool
    evaluations: Evaluations
    repository: Repository
    reports: Recorded
    facts: ForgeFacts = field(default_factory=ForgeFacts)

    async def run(self, *policies: PolicyToRun, commit: str | None = None) -> list[Any]:
        """The results of these policies on the newest commit."""
        finished = await self.evaluations.evaluate(self.command(*policies, commit=commit))
        assert finished.message == ""
        return finished.results

    def command(self, *policies: PolicyToRun, commit: str | None = None) -> RunEvaluation:
        """The command that asks for it."""
        return RunEvaluation(
            evaluation=new_id(), workspace="w", project="p", repository="r",
            source=Source(clone_url=str(self.repository.path)),
            commit=commit or self.repository.git("rev-parse", "HEAD"), policies=list(policies), facts=self.facts,
        )  # fmt: skip


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    """The container engine."""
    require("docker")
    engine = Engine(DOCKER_HOST)
    yield engine
    await engine.close()


@pytest.fixture
async def containers(engine: Engine, tmp_path: Path) -> AsyncIterator[Callable[..., ContainerSandboxes]]:
    """Makes container backends with an agent id of their own; nothing of them is left afterwards."""
    made: list[ContainerSandboxes] = []
    _, images, _ = docker_builds(engine, tmp_path / "builds", "isolated")

    def make(**options: Any) -> ContainerSandboxes:
        image = SandboxImage(engine, for_sandboxes(images, tmp_path / "builds"), find_program())
        made.append(ContainerSandboxes(engine, image, f"test-{uuid.uuid4().hex[:12]}", **options))
        return made[-1]

    yield make
    for backend in made:
        await backend.remove_orphans()


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set when a policy asks for the project's topics: its way to say that it runs."""
    event = asyncio.Event()

    async def topics(_: Broker) -> list[str]:
        event.set()
        return []

    monkeypatch.setattr(Broker, "_topics", topics)
    return event


def bench_of(pool: Pool, repository: Repository, tmp_path: Path) -> Bench:
    reports = Recorded()
    memo = Memo(tmp_path / "memo.sqlite3", find_program().digest)
    evaluations = Evaluations(NoJobs(), Cache(tmp_path / "git"), NoCredentials(), reports, pool, memo)
    return Bench(pool, evaluations, repository, reports)


@pytest.fixture
async def gvisor(
    containers: Callable[..., ContainerSandboxes], repository: Repository, tmp_path: Path
) -> AsyncIterator[Bench]:
    """Evaluations under real gVisor."""
    require("gvisor")
    repository.commit({"README.md": "# Ship\n"})
    backend = containers()
    await backend.prepare()
    pool = Pool(backend, size=0)
    async with pool.running():
        yield bench_of(pool, repository, tmp_path)


@pytest.fixture
async def processes(repository: Repository, tmp_path: Path) -> AsyncIterator[Bench]:
    """Evaluations in plain processes: the same program, no container."""
    repository.commit({"README.md": "# Ship\n"})
    pool = Pool(ProcessSandboxes(find_program(), new_id()), size=0)
    async with pool.running():
        yield bench_of(pool, repository, tmp_path)
