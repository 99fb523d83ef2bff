"""Helps tests bring previews up, fetch their pages, and check that nothing is left of them."""

import asyncio

import aiohttp

from seatrial.agent.environments.service import Environments
from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.vocabulary.labels import AGENT, ENVIRONMENT, SERVICE
from seatrial.wire.deployments import DeploymentReady, DesiredEnvironment
from tests.agent.harness import Agent, then
from tests.waiting import LIMIT_SECONDS

SHOP = """version: 1
services:
  web:
    kind: web
    build: {path: web}
    expose: 8080
    env:
      API: ${GALLEY_PREVIEW_URL_api}
      PRICE: $$5
    depends_on: [api]
  api:
    kind: api
    image: BUSYBOX
    build: {path: api}
    expose: 8080
    depends_on: [db]
  db:
    kind: database
    image: BUSYBOX
    expose: 5432
    build: {path: db}
"""
PAGE = "FROM BUSYBOX\nCOPY index.html /www/index.html\nCMD httpd -f -p 8080 -h /www\n"
DATABASE = 'FROM BUSYBOX\nCMD ["sh", "-c", "echo ready to serve; exec httpd -f -p 5432 -h /www"]\n'


def shop(busybox: str, page: str = "hello") -> dict[str, str]:
    files = {
        "galley.yml": SHOP,
        "web/Dockerfile": PAGE,
        "web/index.html": page,
        "api/Dockerfile": PAGE,
        "api/index.html": "api",
        "db/Dockerfile": DATABASE,
    }
    return {name: text.replace("BUSYBOX", busybox) for name, text in files.items()}


def single(busybox: str, command: str, more: str = "") -> dict[str, str]:
    """One web service running `command`."""
    recipe = f"version: 1\nservices:\n  web:\n    kind: web\n    build: {{path: .}}\n{more}"
    return {"galley.yml": recipe, "Dockerfile": f"FROM {busybox}\nCMD {command}\n"}


async def come_up(
    agent: Agent, environments: Environments, wanted: DesiredEnvironment, *others: str
) -> DeploymentReady:
    assert wanted.candidate is not None
    environments.wanted(wanted)
    environments.replayed({wanted.environment, *others})
    ready = await agent.reports.next(DeploymentReady, deployment=wanted.candidate.id)
    environments.wanted(then(wanted, live=wanted.candidate, candidate=None))
    return ready


async def fetch(endpoint: str | None) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"http://{endpoint}/") as answer:
        return await answer.text()


async def gone(agent: Agent, environment_id: str, seconds: float = LIMIT_SECONDS) -> None:
    for _ in range(int(seconds * 10)):
        if not await left(agent, environment_id):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"still there: {await left(agent, environment_id)}")


async def left(agent: Agent, environment_id: str) -> list[object]:
    """Everything on the engine that belongs to the environment: empty once it has been removed."""
    labels = {AGENT: agent.id, ENVIRONMENT: environment_id}
    return [
        *await agent.runtime.list_containers(labels),
        *await agent.runtime.list_networks(labels),
        *await agent.runtime.list_volumes(labels),
        *await agent.runtime.list_images(labels),
    ]


async def nothing(agent: Agent, labels: dict[str, str]) -> bool:
    return not await agent.runtime.list_containers(labels) and not await agent.runtime.list_networks(labels)


async def images_of(agent: Agent, service: str, count: int) -> bool:
    return len(await agent.runtime.list_images({AGENT: agent.id, SERVICE: service})) == count


async def run(runtime: DockerRuntime, container: str, command: str) -> str:
    """What a shell command prints inside a container."""
    execution = await runtime.engine.containers.execute(container, ["sh", "-c", command])
    outcome = await execution.outcome()
    assert outcome is not None
    return outcome[1]
