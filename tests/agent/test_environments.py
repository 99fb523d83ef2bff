"""Environments converge to what is desired, on a real engine: up, switched, repaired, removed."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from seatrial.agent.environments.service import Environments
from seatrial.agent.runtime.base import AGENT, DEPLOYMENT, ENVIRONMENT, SERVICE
from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.wire.deployments import (
    DeploymentFailed,
    DeploymentPhase,
    DeploymentReady,
    DesiredEnvironment,
    EnvironmentObserved,
    EnvironmentRemoved,
)
from seatrial.wire.states import Isolation
from tests.agent.harness import Agent, Repository, deployment, environment, then

pytestmark = pytest.mark.docker

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
DATABASE = (
    'FROM BUSYBOX\nCMD ["sh", "-c", "echo ready to serve; while true; do nc -l -p 5432 >/dev/null; done"]\n'
)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "shop")


@pytest.fixture
def agent(agent_id: str, tmp_path: Path, runtime: DockerRuntime) -> Agent:
    return Agent(agent_id, tmp_path / "agent", runtime)


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
    ready = await agent.told.next(DeploymentReady, deployment=wanted.candidate.id)
    environments.wanted(then(wanted, live=wanted.candidate, candidate=None))
    return ready


async def fetch(endpoint: str | None) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"http://{endpoint}/") as answer:
        return await answer.text()


async def gone(agent: Agent, environment_id: str, seconds: float = 15) -> None:
    labels = {AGENT: agent.id, ENVIRONMENT: environment_id}
    assert isinstance(agent.runtime, DockerRuntime)
    left: object = None
    for _ in range(int(seconds * 10)):
        left = (
            await agent.runtime.list_containers(labels),
            await agent.runtime.list_networks(labels),
            await agent.runtime.list_volumes(labels),
            await agent.runtime.list_images(labels),
        )
        if not any(left):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"still there: {left}")


async def until(check: Callable[[], Awaitable[bool]], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not await check():  # noqa: ASYNC110 (the engine has no event for this)
            await asyncio.sleep(0.1)


async def nothing(agent: Agent, labels: dict[str, str]) -> bool:
    return not await agent.runtime.list_containers(labels) and not await agent.runtime.list_networks(labels)


async def images_of(agent: Agent, service: str, count: int) -> bool:
    return len(await agent.runtime.list_images({AGENT: agent.id, SERVICE: service})) == count


async def test_up_switched_and_removed(agent: Agent, repository: Repository, busybox: str) -> None:
    first = deployment(repository.commit(shop(busybox)))
    wanted = environment(repository, "pr-1-shop", candidate=first)
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
        services = {service.name: service for service in ready.services}
        assert await fetch(services["web"].endpoint) == "hello"
        assert services["web"].labels == ["pr-1-shop"] and services["api"].labels == ["api-pr-1-shop"]
        assert services["db"].endpoint is None
        assert ready.isolation is Isolation.CONTAINER
        ended = [p.phase for p in agent.told.all(DeploymentPhase) if p.seconds is not None]
        assert set(ended) == {"checkout", "recipe", "build web", "build api", "build db", "start", "health"}
        assert ended[:2] == ["checkout", "recipe"] and ended[-2:] == ["start", "health"]
        container = await agent.runtime.get(services["web"].container)
        assert container is not None
        await agent.told.line("db: ready to serve")
        await agent.told.line("web: built web")
        database = await agent.runtime.get(services["db"].container)
        await agent.told.next(EnvironmentObserved, deployment=first.id)

        second = deployment(repository.commit(shop(busybox, "changed")))
        update = then(wanted, revision=5, live=first, candidate=second)
        environments.wanted(update)
        ready = await agent.told.next(DeploymentReady, deployment=second.id)
        after = {service.name: service for service in ready.services}
        assert await fetch(after["web"].endpoint) == "changed"
        assert await fetch(services["web"].endpoint) == "hello"
        assert agent.builder.built.count("api") == 1, "an unchanged service is not built again"
        same = await agent.runtime.get(after["db"].container)
        assert database and same and same.started_at == database.started_at, "data stays"
        assert len(same.addresses) == 2

        environments.wanted(then(update, live=second, candidate=None))
        await agent.told.next(EnvironmentObserved, deployment=second.id)
        old = {AGENT: agent.id, DEPLOYMENT: first.id}
        await until(lambda: nothing(agent, old))
        await until(lambda: images_of(agent, "web", 1))

        environments.unwanted(wanted.environment)
        await agent.told.next(EnvironmentRemoved, environment=wanted.environment)
        await gone(agent, wanted.environment, 0.5)
        assert list((agent.directory / "builds").iterdir()) == []


async def test_interpolation_reaches_the_container(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    more = "    expose: 80\n    env: {U: '${GALLEY_PREVIEW_URL_web}', D: '$$5', T: '${TOKEN}', N: '${GALLEY_NUMBER}'}\n"
    command = "env; exec httpd -f -p 80 -h /www"
    wanted = environment(
        repository,
        "pr-1-shop",
        candidate=deployment(repository.commit(single(busybox, command, more))),
        variables="secret",
    )
    async with agent.running() as environments:
        await come_up(agent, environments, wanted)
        await agent.told.line("web: U=http://pr-1-shop.preview.localhost:8080")
        assert {"web: D=$5", "web: T=secret", "web: N=1"} <= set(agent.told.lines)


async def failed(agent: Agent, repository: Repository, files: dict[str, str]) -> DeploymentFailed:
    wanted = environment(repository, "pr-1-bad", candidate=deployment(repository.commit(files)))
    async with agent.running() as environments:
        environments.wanted(wanted)
        environments.replayed({wanted.environment})
        failure = await agent.told.next(DeploymentFailed)
        assert await agent.runtime.list_containers({AGENT: agent.id}) == []
        await gone(agent, wanted.environment)
        assert len(agent.told.all(DeploymentFailed)) == 1
    return failure


async def test_a_service_that_exits(agent: Agent, repository: Repository, busybox: str) -> None:
    files = single(busybox, "echo no database; exit 3", "    expose: 80\n    restart: never\n")
    failure = await failed(agent, repository, files)
    assert (failure.reason, failure.service) == ("service_exited", "web")
    assert failure.message == "web exited with code 3"
    assert failure.log_tail == ["no database"]


async def test_a_service_that_crashes_again_and_again(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    failure = await failed(agent, repository, single(busybox, "exit 4", "    expose: 80\n"))
    assert failure.reason == "service_exited" and "web exited with code 4, " in failure.message


async def test_a_service_that_takes_too_much_memory(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    command = "dd if=/dev/zero of=/dev/null bs=200M count=1"
    failure = await failed(
        agent, repository, single(busybox, command, "    expose: 80\n    restart: never\n")
    )
    assert failure.message == "web was ended for using more than its 64 MB of memory"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("httpd -f -p 9090 -h /www", "It listens on port 9090, not on 8080. Set expose to 9090"),
        (
            "httpd -f -p 127.0.0.1:8080 -h /www",
            "It listens on 127.0.0.1:8080 only: make it listen on 0.0.0.0",
        ),
        ("sleep 600", "It listens on no TCP port"),
    ],
)
async def test_a_service_that_listens_elsewhere(
    agent: Agent, repository: Repository, busybox: str, command: str, words: str
) -> None:
    more = "    expose: 8080\n    health: {path: /, timeout: 1s}\n"
    failure = await failed(agent, repository, single(busybox, command, more))
    assert failure.reason == "unhealthy"
    assert failure.message.startswith("web runs, but GET / on port 8080 got no answer (connection refused)")
    assert failure.message.endswith(words)


async def test_a_service_that_answers_wrongly(agent: Agent, repository: Repository, busybox: str) -> None:
    more = "    expose: 8080\n    health: {path: /healthz, timeout: 1s}\n"
    failure = await failed(agent, repository, single(busybox, "httpd -f -p 8080 -h /www", more))
    assert failure.message == "web runs, but GET /healthz on port 8080 answered 404, not 200 after 1 s"


async def test_bad_input_before_anything_is_built(agent: Agent, repository: Repository, busybox: str) -> None:
    more = "    expose: 80\n    env: {KEY: '${MISSING}'}\n"
    failure = await failed(agent, repository, single(busybox, "true", more))
    assert failure.reason == "unresolved_variable" and failure.service == "web"
    assert "services.web.env.KEY: ${MISSING} has no value" in failure.message
    assert agent.builder.built == []


async def test_no_recipe_and_a_failing_build(agent: Agent, repository: Repository, busybox: str) -> None:
    assert (await failed(agent, repository, {"README": "nothing"})).reason == "no_recipe"
    broken = {"Dockerfile": f"FROM {busybox}\nRUN false\nEXPOSE 80\n"}
    agent.told.events.clear()
    failure = await failed(agent, repository, broken)
    assert (failure.reason, failure.service) == ("build_failed", "web") and failure.log_tail


async def test_an_image_without_expose_is_looked_at(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    commit = repository.commit(single(busybox, "httpd -f -p 7070 -h /www"))
    async with agent.running() as environments:
        ready = await come_up(
            agent, environments, environment(repository, "pr-1-x", candidate=deployment(commit))
        )
        assert (ready.services[0].endpoint or "").endswith(":7070")


async def test_a_newer_commit_supersedes_the_one_in_flight(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    slow = deployment(repository.commit(single(busybox, "sleep 600", "    expose: 80\n")))
    wanted = environment(repository, "pr-1-x", candidate=slow)
    async with agent.running() as environments:
        environments.wanted(wanted)
        environments.replayed({wanted.environment})
        await agent.told.next(DeploymentPhase, phase="health")
        quick = deployment(repository.commit(single(busybox, "httpd -f -p 80 -h /www", "    expose: 80\n")))
        environments.wanted(then(wanted, candidate=quick))
        await agent.told.next(DeploymentReady, deployment=quick.id)
        assert {c.labels[DEPLOYMENT] for c in await agent.runtime.list_containers({AGENT: agent.id})} == {
            quick.id
        }
        assert agent.told.all(DeploymentFailed) == []


async def test_live_is_kept_alive(agent: Agent, repository: Repository, busybox: str) -> None:
    wanted = environment(repository, "pr-1-shop", candidate=deployment(repository.commit(shop(busybox))))
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
        assert wanted.candidate is not None
        await agent.told.next(EnvironmentObserved, deployment=wanted.candidate.id)
        web = next(s for s in ready.services if s.name == "web")
        db = next(s for s in ready.services if s.name == "db")
        seen = len(agent.told.events)
        await agent.runtime.remove(web.container)
        for image in await agent.runtime.list_images({AGENT: agent.id, SERVICE: "web"}):
            await agent.runtime.remove_image(image)
        await agent.runtime.stop(db.container, 0)
        async with asyncio.timeout(20):
            while True:
                observed = await agent.told.next(EnvironmentObserved, seen)
                seen += 1
                states = {service.name: service.state for service in observed.services}
                if set(states.values()) == {"running"}:
                    break
        # Twice, or once more when a repair began before the image was taken away.
        assert agent.builder.built.count("web") >= 2
        endpoint = next(s.endpoint for s in observed.services if s.name == "web")
        assert await fetch(endpoint) == "hello"


async def test_a_new_process_finds_everything_and_removes_what_nobody_wants(
    agent: Agent, repository: Repository, busybox: str, runtime: DockerRuntime
) -> None:
    wanted = environment(repository, "pr-1-shop", candidate=deployment(repository.commit(shop(busybox))))
    orphan = environment(
        repository,
        "pr-2-shop",
        candidate=deployment(
            repository.commit(single(busybox, "httpd -f -p 80 -h /www", "    expose: 80\n"))
        ),
    )
    async with agent.running() as environments:
        await come_up(agent, environments, wanted)
        await come_up(agent, environments, orphan, wanted.environment)
    before = {c.name: c.started_at for c in await runtime.list_containers({AGENT: agent.id})}
    assert len(before) == 4, "a stopped agent leaves what runs running"

    restarted = Agent(agent.id, agent.directory, runtime)
    live = then(wanted, live=wanted.candidate, candidate=None)
    async with restarted.running() as environments:
        environments.wanted(live)
        await asyncio.sleep(0.7)
        assert len(await runtime.list_containers({AGENT: agent.id})) == 4, "nothing goes before the replay"
        environments.replayed({wanted.environment})
        observed = await restarted.told.next(EnvironmentObserved)
        assert {s.state for s in observed.services} == {"running"} and len(observed.services) == 3
        await restarted.told.next(EnvironmentRemoved, environment=orphan.environment)
        after = {c.name: c.started_at for c in await runtime.list_containers({AGENT: agent.id})}
        assert after.items() <= before.items() and len(after) == 3
        assert restarted.builder.built == []


async def test_deleted_while_it_comes_up(agent: Agent, repository: Repository, busybox: str) -> None:
    wanted = environment(repository, "pr-1-shop", candidate=deployment(repository.commit(shop(busybox))))
    async with agent.running() as environments:
        environments.wanted(wanted)
        environments.replayed({wanted.environment})
        await agent.told.next(DeploymentPhase, phase="start")
        environments.unwanted(wanted.environment)
        await agent.told.next(EnvironmentRemoved)
        await gone(agent, wanted.environment, 1)
        assert agent.told.all(DeploymentFailed) == []
