"""An agent that is started again while previews are live leaves running containers alone and removes undesired ones."""

import asyncio

import pytest

from seatrial.agent.environments import actor
from seatrial.agent.environments.health import Well
from seatrial.agent.environments.planner import Host
from seatrial.agent.environments.rollout import Rollout
from seatrial.agent.environments.startup import Launched
from seatrial.agent.vocabulary.errors import StartError
from seatrial.agent.vocabulary.labels import AGENT
from seatrial.wire.deployments import EnvironmentObserved, EnvironmentRemoved
from tests.agent.harness import Agent, deployment, environment, then
from tests.agent.previews import come_up, shop, single
from tests.agent.test_planner import container, host, launch, planned
from tests.repositories import Repository
from tests.runtime.builds import FakeBuild
from tests.runtime.fake import FakeRuntime


async def test_a_new_process_finds_everything_and_removes_what_nobody_wants(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
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

    restarted = Agent(agent.id, agent.directory, runtime, builder=FakeBuild(runtime))
    live = then(wanted, live=wanted.candidate, candidate=None)
    async with restarted.running() as environments:
        environments.wanted(live)
        await asyncio.sleep(0.7)
        assert len(await runtime.list_containers({AGENT: agent.id})) == 4, "nothing goes before the replay"
        environments.replayed({wanted.environment})
        observed = await restarted.reports.next(EnvironmentObserved)
        assert {s.state for s in observed.services} == {"running"} and len(observed.services) == 3
        await restarted.reports.next(EnvironmentRemoved, environment=orphan.environment)
        after = {c.name: c.started_at for c in await runtime.list_containers({AGENT: agent.id})}
        assert after.items() <= before.items() and len(after) == 3
        assert restarted.builder.built == []


PARTLY = """services:
  web:
    image: BUSYBOX
    command: httpd -f -p 7070 -h /www
    labels: {galley.kind: web}
    depends_on: [worker]
  worker:
    image: BUSYBOX
    command: ["sh", "-c", "cat /tmp/broken && exit 1; exec sleep 600"]
    restart: "no"
"""


async def test_a_service_that_fails_does_not_take_the_others_routes(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    files = {"compose.yaml": PARTLY.replace("BUSYBOX", busybox)}
    wanted = environment(repository, "pr-1-part", candidate=deployment(repository.commit(files)))
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
    web, worker = (next(s for s in ready.services if s.name == name) for name in ("web", "worker"))
    await runtime.run(worker.container, "touch /tmp/broken")
    await runtime.stop(worker.container, 0)

    restarted = Agent(agent.id, agent.directory, runtime, builder=FakeBuild(runtime))
    async with restarted.running() as environments:
        environments.wanted(then(wanted, live=wanted.candidate, candidate=None))
        environments.replayed({wanted.environment})
        observed = {s.name: s for s in (await restarted.reports.next(EnvironmentObserved)).services}
    assert (observed["worker"].state, observed["web"].state) == ("exited", "running")
    assert observed["web"].endpoint == web.endpoint


async def test_a_report_is_of_a_look_after_the_start(
    agent: Agent, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = deployment("a" * 40)
    web = planned(live.id, "web")
    brought_up, looks = asyncio.Event(), 0

    async def look(*_: object) -> Host:
        """Look at the host. The second look begins before the repair and ends after it."""
        nonlocal looks
        looks += 1
        if looks == 2:
            await brought_up.wait()
            await asyncio.sleep(0.1)
        return host(*([container(web)] if looks > 2 else []), networks=(live.id,))

    async def partly(work: Rollout, **_: object) -> Launched:
        work.so_far = Launched(launch(live.id, web), {"web": Well(container(web), 80)})
        brought_up.set()
        raise StartError("another service failed")

    monkeypatch.setattr(actor, "look", look)
    monkeypatch.setattr(Rollout, "bring_up", partly)
    async with agent.running() as environments:
        environments.wanted(environment(repository, "pr-1-told", live=live))
        observed = await agent.reports.next(EnvironmentObserved)
    assert [service.state for service in observed.services] == ["running"]
