"""Services that keep data: one per environment, replaced only when their own recipe changed, volumes kept."""

from seatrial.agent.vocabulary.labels import AGENT
from seatrial.wire.deployments import (
    DeploymentFailed,
    DeploymentReady,
    EnvironmentObserved,
    EnvironmentRemoved,
    ObservedService,
)
from tests.agent.harness import Agent, deployment, environment, then
from tests.agent.previews import come_up
from tests.repositories import Repository
from tests.runtime.fake import FakeRuntime
from tests.waiting import until

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
    command: ["sh", "-c", "echo NUMBER >> /data/starts; cat /data/starts; exec httpd -f -p 5432 -h /data"]
    volumes: ["data:/data"]
volumes: {data: {}}
"""
WEB = "wget -q -O /www/index.html http://db:5432/starts && exec httpd -f -p 80 -h /www"


def files(busybox: str, number: int, web: str = WEB) -> dict[str, str]:
    return {
        "compose.yaml": COMPOSE.replace("WEB", web).replace("BUSYBOX", busybox).replace("NUMBER", str(number))
    }


def named(services: list[ObservedService], name: str) -> ObservedService:
    return next(service for service in services if service.name == name)


async def test_replaced_with_its_recipe_and_put_back_when_the_candidate_fails(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    first = deployment(repository.commit(files(busybox, 1)))
    wanted = environment(repository, "pr-1-data", candidate=first)
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
        db = named(ready.services, "db")
        assert await agent.runtime.fetch(named(ready.services, "web").endpoint) == "1\n"

        second = deployment(repository.commit(files(busybox, 2)))
        wanted = then(wanted, revision=5, live=first, candidate=second)
        environments.wanted(wanted)
        ready = await agent.reports.next(DeploymentReady, deployment=second.id)
        assert await agent.runtime.fetch(named(ready.services, "web").endpoint) == "1\n2\n", (
            "the volume stays"
        )
        replaced = await runtime.get(db.container)
        assert replaced is not None and len(replaced.addresses) == 2, "the live version reaches it too"
        wanted = then(wanted, live=second, candidate=None)
        environments.wanted(wanted)
        await agent.reports.next(EnvironmentObserved, deployment=second.id)

        third = deployment(repository.commit(files(busybox, 3, web="exit 1")))
        environments.wanted(then(wanted, candidate=third))
        await agent.reports.next(DeploymentFailed, deployment=third.id)

        async def put_back() -> bool:
            lines = [line async for line in runtime.logs(db.container, follow=False)]
            return [line.text for line in lines] == ["1", "2", "3", "2"]

        await until(put_back)
        environments.unwanted(wanted.environment)
        await agent.reports.next(EnvironmentRemoved)
        assert await runtime.list_volumes({AGENT: agent.id}) == {}
