"""An environment on the process runtime: no isolation, the same life."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from seatrial.agent.builds.processes.images import ProcessBuilder, ProcessImages
from seatrial.agent.runtime.process import ProcessRuntime
from seatrial.wire.deployments import DeploymentFailed, DeploymentReady, EnvironmentRemoved, Source
from seatrial.wire.states import Isolation
from tests.agent.harness import Agent, deployment, environment, then
from tests.agent.previews import fetch
from tests.repositories import Repository

APP = """import http.server, os

class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"TEXT")

print("listening", flush=True)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), H).serve_forever()
"""
FILES = {"Dockerfile": 'FROM python:3.11-slim\nCOPY app.py .\nEXPOSE 8000\nCMD ["python3", "app.py"]\n'}


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[ProcessRuntime]:
    runtime = ProcessRuntime(tmp_path / "processes")
    yield runtime
    for container in await runtime.list_containers({}):
        await runtime.remove(container.name)


async def test_up_switched_and_removed(tmp_path: Path, agent_id: str, runtime: ProcessRuntime) -> None:
    agent = Agent(agent_id, tmp_path / "agent", runtime)
    agent.builder = ProcessBuilder(runtime.images)  # type: ignore[assignment]
    agent.images = ProcessImages(runtime.images)
    repository = Repository(tmp_path / "app")
    first = deployment(repository.commit(FILES | {"app.py": APP.replace("TEXT", "one")}))
    wanted = environment(repository, "pr-1-app", candidate=first)
    async with agent.running() as environments:
        environments.wanted(wanted)
        environments.replayed({wanted.environment})
        ready = await agent.reports.next(DeploymentReady, deployment=first.id)
        assert ready.isolation is Isolation.PROCESS
        assert await fetch(ready.services[0].endpoint) == "one"
        await agent.reports.line("web: listening")
        second = deployment(repository.commit(FILES | {"app.py": APP.replace("TEXT", "two")}))
        environments.wanted(then(wanted, live=first, candidate=second))
        ready = await agent.reports.next(DeploymentReady, deployment=second.id)
        assert await fetch(ready.services[0].endpoint) == "two"
        environments.unwanted(wanted.environment)
        await agent.reports.next(EnvironmentRemoved)
    assert await runtime.list_containers({}) == [] and await runtime.list_images({}) == {}


async def test_its_source_is_fetched_with_a_credential_of_its_own(
    tmp_path: Path, agent_id: str, runtime: ProcessRuntime
) -> None:
    agent = Agent(agent_id, tmp_path / "agent", runtime)
    repository = Repository(tmp_path / "app")
    source = Source(clone_url="https://127.0.0.1:9/app.git", needs_credential=True)
    wanted = environment(repository, "pr-1-app", candidate=deployment("a" * 40), source=source)
    async with agent.running() as environments:
        environments.wanted(wanted)
        environments.replayed({wanted.environment})
        failure = await agent.reports.next(DeploymentFailed)
    assert (failure.reason, agent.credentials.asked) == (
        "checkout_failed",
        [f"{wanted.repository} for environment {wanted.environment}"],
    )
    assert "aaaaaaaaaaaa from https://127.0.0.1:9/app.git: no credential: nobody gets one" in failure.message
