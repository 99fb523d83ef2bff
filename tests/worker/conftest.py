from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit.actors import Actor
from seatrial.control.fleet import services as fleet
from seatrial.control.fleet.models import Agent
from seatrial.control.forges.local import services as local
from seatrial.control.forges.local.models import LocalPullRequest
from seatrial.control.projects.models import Project
from seatrial.control.worker.database import Database
from tests import factories, repositories
from tests.worker.scripted_agent import ScriptedAgent
from tests.worker.stack import Backend, InBackground, Stack, eventually, started
from tests.worker.traefik_api import Api


@pytest.fixture
def stack(transactional_db: None, tmp_path: Path) -> Iterator[Stack]:
    with started(Stack(tmp_path)) as stack:
        yield stack


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    database = Database(2)
    yield database
    database.close()


@pytest.fixture
def background() -> Iterator[InBackground]:
    background = InBackground()
    yield background
    background.stop()


@pytest.fixture
def backends() -> Iterator[dict[str, Backend]]:
    """One per deployment, answering with its commit."""
    made: dict[str, Backend] = {}
    yield made
    for backend in made.values():
        backend.stop()


Join = Callable[[str], ScriptedAgent]


@pytest.fixture
def join(
    stack: Stack, background: InBackground, backends: dict[str, Backend], tmp_path: Path
) -> Iterator[Join]:
    """Has one more agent join, under a name, and be online."""
    joined: list[ScriptedAgent] = []

    def endpoint(candidate) -> str:
        if candidate.id not in backends:
            backends[candidate.id] = Backend(candidate.commit)
        return backends[candidate.id].url

    def join(name: str) -> ScriptedAgent:
        token = fleet.issue_bootstrap(name, by=Actor.person("test"))
        agent = ScriptedAgent(stack.url, stack.nats.url, token, tmp_path, endpoint)
        agent.context = stack.nats.context
        agent.register()
        joined.append(agent)
        background.run(agent.start())
        online = Agent.objects.filter(pk=agent.id, state="online")
        eventually(online.exists, what=f"{name} is known to be online")
        return agent

    try:
        yield join
    finally:
        for agent in joined:
            background.run(agent.stop())


@pytest.fixture
def agent(join: Join) -> ScriptedAgent:
    return join("one")


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    yield api
    api.stop()


@pytest.fixture
def workspace(transactional_db: None) -> Workspace:
    return factories.workspace("harbour")


class Repository(repositories.Repository):
    """A real git repository, registered with the local forge. Every commit changes one text."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.commit("main", "start")

    def commit(self, branch: str, text: str) -> str:  # type: ignore[override]
        return super().commit({"text": text}, text, branch if branch != "main" else None)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    (tmp_path / "git").mkdir()
    return Repository(tmp_path / "git" / "shop")


@pytest.fixture
def project(workspace: Workspace, repository: Repository) -> Project:
    return local.register(factories.connection(workspace), str(repository.path), by=Actor.person("test"))


def open_pull(project: Project, branch: str = "feature") -> LocalPullRequest:
    return local.open_pull(project, branch, by=Actor.person("test"))


__all__ = ["eventually", "open_pull"]
