"""Fixtures: an agent whose environments run in memory, for tests of its decisions."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ulid import ULID

from seatrial.agent.environments import health
from tests.agent.harness import Agent
from tests.repositories import Repository
from tests.runtime.builds import FakeBuild
from tests.runtime.fake import BUSYBOX, FakeRuntime


@pytest.fixture(autouse=True)
def _nothing_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the time for which a service without a check is watched: in memory it ends at once or never."""
    monkeypatch.setattr(health, "SETTLE_SECONDS", 0.05)


@pytest.fixture
def agent_id() -> str:
    return str(ULID())


@pytest.fixture
def busybox() -> str:
    return BUSYBOX


@pytest.fixture
async def runtime() -> AsyncIterator[FakeRuntime]:
    runtime = FakeRuntime()
    yield runtime
    await runtime.close()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "shop")


@pytest.fixture
def agent(agent_id: str, tmp_path: Path, runtime: FakeRuntime) -> Agent:
    return Agent(agent_id, tmp_path / "agent", runtime, builder=FakeBuild(runtime))
