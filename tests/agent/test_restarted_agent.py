"""An agent that is started again while previews are live leaves running containers alone and removes undesired ones."""

import pytest

from seatrial.agent.environments.health import MAX_RESTARTS
from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.vocabulary.containers import Resources
from seatrial.agent.vocabulary.labels import AGENT, SERVICE
from seatrial.wire.deployments import EnvironmentObserved
from tests.agent.harness import Agent, deployment, environment, then
from tests.agent.previews import come_up, fetch, run
from tests.repositories import Repository
from tests.waiting import until

pytestmark = pytest.mark.docker


KEPT = """services:
  web:
    image: BUSYBOX
    command: ["sh", "-c", "httpd -p 7070 -h /www; until [ -e /tmp/end ]; do sleep 0.05; done; rm /tmp/end; exit 1"]
    restart: always
    labels: {galley.kind: web}
    depends_on: {seed: {condition: service_completed_successfully}}
  seed:
    image: BUSYBOX
    command: ["sh", "-c", "echo seeded"]
    restart: "no"
    depends_on: [db]
  db:
    image: BUSYBOX
    labels: {galley.kind: database}
    expose: ["5432"]
    command: httpd -f -p 5432 -h /www
"""


async def crashed(runtime: DockerRuntime, name: str, times: int) -> None:
    """Let the service end by itself and the engine start it again, as over weeks."""
    for number in range(1, times + 1):
        await run(runtime, name, "touch /tmp/end")

        async def again(count: int = number) -> bool:
            present = await runtime.get(name)
            return present is not None and (present.state, present.restarts) == ("running", count)

        await until(again)


async def facts(agent: Agent, runtime: DockerRuntime) -> dict[str, object]:
    present = await runtime.list_containers({AGENT: agent.id})
    return {c.labels[SERVICE]: (c.name, c.started_at, c.state, c.addresses) for c in present}


async def test_nothing_is_restarted_lost_or_unrouted(
    agent: Agent, repository: Repository, busybox: str, runtime: DockerRuntime
) -> None:
    files = {"compose.yaml": KEPT.replace("BUSYBOX", busybox)}
    wanted = environment(repository, "pr-1-kept", candidate=deployment(repository.commit(files)))
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
        await agent.reports.next(EnvironmentObserved, revision=2)
    web, db, seed = (next(s.container for s in ready.services if s.name == n) for n in ("web", "db", "seed"))
    await run(runtime, db, "echo precious > /www/row")
    await crashed(runtime, web, MAX_RESTARTS)
    before = await facts(agent, runtime)

    restarted = Agent(agent.id, agent.directory, runtime, defaults=Resources(cpus=0.5, memory_mb=96))
    async with restarted.running() as environments:
        environments.wanted(then(wanted, live=wanted.candidate, candidate=None))
        environments.replayed({wanted.environment})
        observed = await restarted.reports.next(EnvironmentObserved)
        endpoint = next(service.endpoint for service in observed.services if service.name == "web")
        assert (endpoint or "").endswith(":7070") and await fetch(endpoint) == "ok\n"
    assert await facts(agent, runtime) == before
    assert [line.text async for line in runtime.logs(seed, follow=False)] == ["seeded"]
    assert await run(runtime, db, "cat /www/row") == "precious\n"
