"""Services that keep data: one per environment, replaced only when their own recipe changed, volumes kept."""

import contextlib

import pytest

from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.vocabulary.errors import AgentError
from seatrial.agent.vocabulary.labels import AGENT, COMMAND, DEPLOYMENT
from seatrial.wire.deployments import (
    DeploymentFailed,
    DeploymentReady,
    EnvironmentObserved,
    EnvironmentRemoved,
    ObservedService,
)
from tests.agent.harness import Agent, deployment, environment, then
from tests.agent.previews import come_up, fetch, run
from tests.repositories import Repository
from tests.waiting import until

pytestmark = pytest.mark.docker

COMPOSE = """services:
  web:
    image: BUSYBOX
    command: ["sh", "-c", "WEB"]
    ports: ["80:80"]
    depends_on: [db]
  db:
    image: BUSYBOX
    labels: {galley.kind: database}
    x-galley-kind: database
    expose: ["5432"]
    environment: {VERSION: "NUMBER"}
    command: ["sh", "-c", "echo NUMBER >> /data/starts; echo starts $(cat /data/starts); exec httpd -f -p 5432 -h /data"]
    volumes: ["data:/data"]
volumes: {data: {}}
"""
WEB = "wget -q -O /www/index.html http://db:5432/starts && exec httpd -f -p 80 -h /www"


def named(services: list[ObservedService], name: str) -> ObservedService:
    return next(service for service in services if service.name == name)


GALLEY = """version: 1
services:
  web:
    kind: web
    build: {path: .}
    expose: 80
    env: {FAIL: "BROKEN"}
    depends_on: [db]
  db:
    kind: database
    build: {path: db}
    expose: 5432
    env: {VERSION: "NUMBER"}
"""
KEEPS = """FROM BUSYBOX
VOLUME /data
CMD ["sh", "-c", "echo $VERSION >> /data/starts; trap 'echo saved >> /data/starts; exit' TERM; httpd -f -p 5432 -h /data & wait"]
"""
SERVES = 'FROM BUSYBOX\nCMD ["sh", "-c", "[ -z $FAIL ] && exec httpd -f -p 80 -h /www; exit 1"]\n'


def kept(busybox: str, number: int, broken: str = "") -> dict[str, str]:
    texts = {"galley.yml": GALLEY, "Dockerfile": SERVES, "db/Dockerfile": KEEPS}
    words = {"BUSYBOX": busybox, "BROKEN": broken, "NUMBER": str(number)}
    for word, value in words.items():
        texts = {name: text.replace(word, value) for name, text in texts.items()}
    return texts


async def test_what_an_image_keeps_in_a_volume_of_its_own_outlives_a_failed_change(
    agent: Agent, repository: Repository, busybox: str, runtime: DockerRuntime
) -> None:
    first = deployment(repository.commit(kept(busybox, 1)))
    wanted = environment(repository, "pr-1-data", candidate=first)
    async with agent.running() as environments:
        db = named((await come_up(agent, environments, wanted)).services, "db").container
        await agent.reports.next(EnvironmentObserved, deployment=first.id)
        second = deployment(repository.commit(kept(busybox, 2, broken="yes")))
        environments.wanted(then(wanted, revision=5, live=first, candidate=second))
        await agent.reports.next(DeploymentFailed, deployment=second.id)

        async def put_back() -> bool:
            with contextlib.suppress(AgentError):  # it is being replaced
                return await run(runtime, db, "cat /data/starts") == "1\nsaved\n2\nsaved\n1\n"
            return False

        await until(put_back)
        environments.unwanted(wanted.environment)
        await agent.reports.next(EnvironmentRemoved)
        assert await runtime.list_volumes({AGENT: agent.id}) == {}


async def test_started_again_after_its_network_went_while_it_was_stopped(
    agent: Agent, repository: Repository, busybox: str, runtime: DockerRuntime
) -> None:
    first = deployment(repository.commit(kept(busybox, 1)))
    wanted = environment(repository, "pr-1-data", candidate=first)
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
        db = named(ready.services, "db").container
        await run(runtime, db, "echo layer > /tmp/row")
        environments.wanted(then(wanted, revision=5, live=first, candidate=None, running=False))
        await until(lambda: stopped(runtime, agent))
    (network,) = await runtime.list_networks({AGENT: agent.id})
    await runtime.remove_network(network)

    restarted = Agent(agent.id, agent.directory, runtime)
    async with restarted.running() as environments:
        environments.wanted(then(wanted, revision=6, live=first, candidate=None))
        environments.replayed({wanted.environment})
        observed = await restarted.reports.next(EnvironmentObserved)
        assert {service.state for service in observed.services} == {"running"}
        assert await fetch(named(observed.services, "web").endpoint) == "ok\n"
    assert await run(runtime, db, "cat /tmp/row; cat /data/starts") == "layer\n1\nsaved\n1\n", (
        "it is the same container"
    )


async def stopped(runtime: DockerRuntime, agent: Agent) -> bool:
    return not any(found.state.up for found in await runtime.list_containers({AGENT: agent.id}))


SERVE = "CMD httpd -f -p 80 -h /www\n"
SEEDED = """services:
  web:
    build: .
    volumes: ["files:/data"]
    ports: ["80:80"]
    x-galley-migrate: wget -q -O - http://db:5432/
    x-galley-seed: ["sh", "-c", "echo begun; echo row >> /data/rows; while [ ! -f /data/go ]; do sleep 0.1; done"]
  db:
    image: BUSYBOX
    x-galley-kind: database
    expose: ["5432"]
    command: httpd -f -p 5432 -h /www
volumes: {files: {}}
"""


async def test_a_seed_outlives_its_agent_and_a_reset_begins_anew(
    agent: Agent, repository: Repository, busybox: str, runtime: DockerRuntime
) -> None:
    texts = {"compose.yaml": SEEDED.replace("BUSYBOX", busybox), "Dockerfile": f"FROM {busybox}\n{SERVE}"}
    first = deployment(repository.commit(texts))
    wanted = environment(repository, "pr-1-seed", candidate=first)
    async with agent.running() as environments:
        environments.wanted(wanted)
        environments.replayed({wanted.environment})
        await agent.reports.line("web.seed: begun")
    (seed,) = await runtime.list_containers({AGENT: agent.id, COMMAND: "seed"})

    restarted = Agent(agent.id, agent.directory, runtime)
    async with restarted.running() as environments:
        await run(runtime, seed.name, "touch /data/go")
        web = named((await come_up(restarted, environments, wanted)).services, "web").container
        assert await run(runtime, web, "cat /data/rows") == "row\n"

        second = deployment(first.commit)
        environments.wanted(then(wanted, revision=5, candidate=second, data=1))
        await restarted.reports.line("web.seed: begun")
        (seed,) = await runtime.list_containers({AGENT: agent.id, COMMAND: "seed", DEPLOYMENT: second.id})
        assert await run(runtime, seed.name, "cat /data/rows; touch /data/go") == "row\n"
        await restarted.reports.next(DeploymentReady, deployment=second.id)
        environments.unwanted(wanted.environment)
        await restarted.reports.next(EnvironmentRemoved)
    assert await runtime.list_volumes({AGENT: agent.id}) == {}
