"""An environment that sleeps is paused or stopped where it is, and goes on from there."""

import asyncio

import pytest

from seatrial.agent.vocabulary.containers import ContainerState
from seatrial.agent.vocabulary.labels import AGENT
from seatrial.wire.deployments import DesiredEnvironment, EnvironmentObserved, EnvironmentRemoved
from tests.agent.harness import Agent, deployment, environment, then
from tests.agent.previews import come_up, left
from tests.environments.test_durable_services import files, named
from tests.environments.test_stopped import all_well
from tests.repositories import Repository
from tests.runtime.builds import FakeBuild
from tests.runtime.fake import FakeRuntime
from tests.waiting import until


def served(wanted: DesiredEnvironment, *, revision: int, running: bool, paused: bool) -> DesiredEnvironment:
    """Its candidate is live, and runs or sleeps."""
    return then(
        wanted, revision=revision, live=wanted.candidate, candidate=None, running=running, paused=paused
    )


async def all_are(agent: Agent, state: ContainerState) -> bool:
    containers = await agent.runtime.list_containers({AGENT: agent.id})
    return {container.state for container in containers} == {state}


async def all_paused(agent: Agent) -> bool:
    return await all_are(agent, ContainerState.PAUSED)


async def test_it_is_paused_then_stopped_and_goes_on_with_its_data(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = environment(repository, "pr-1-data", candidate=deployment(repository.commit(files(busybox, 1))))
    did: list[str] = []
    for name in ("pause", "unpause"):
        real = getattr(runtime, name)

        async def seen(container: str, name: str = name, real: object = real) -> None:
            did.append(f"{name} {container.rpartition('-')[2]}")
            await real(container)  # type: ignore[operator]

        monkeypatch.setattr(runtime, name, seen)
    async with agent.running() as environments:
        web = named((await come_up(agent, environments, wanted)).services, "web")
        begun = {c.name: c.started_at for c in await agent.runtime.list_containers({AGENT: agent.id})}
        environments.wanted(served(wanted, revision=5, running=False, paused=True))
        await until(lambda: all_paused(agent))
        environments.wanted(served(wanted, revision=6, running=True, paused=False))
        await until(lambda: all_well(agent, revision=6))
        assert {
            c.name: c.started_at for c in await agent.runtime.list_containers({AGENT: agent.id})
        } == begun, "nothing was started again"
        assert await agent.runtime.fetch(web.endpoint) == "1\n", "it goes on in the middle"
        assert did == ["pause web", "pause db", "unpause db", "unpause web"], "each with what it needs"

        environments.wanted(served(wanted, revision=7, running=False, paused=True))
        await until(lambda: all_paused(agent))
        environments.wanted(served(wanted, revision=8, running=False, paused=False))
        await until(lambda: all_are(agent, ContainerState.EXITED))
        environments.wanted(served(wanted, revision=9, running=True, paused=False))
        await until(lambda: all_well(agent, revision=9))
        assert await agent.runtime.fetch(web.endpoint) == "1\n1\n", "db has begun again, with its data"
        environments.unwanted(wanted.environment)
        await agent.reports.next(EnvironmentRemoved)
        assert await left(agent, wanted.environment) == []


async def test_an_agent_that_was_killed_finds_it_paused_and_wakes_it(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    wanted = environment(repository, "pr-1-data", candidate=deployment(repository.commit(files(busybox, 1))))
    async with agent.running() as environments:
        web = named((await come_up(agent, environments, wanted)).services, "web")
        environments.wanted(served(wanted, revision=5, running=False, paused=True))
        await until(lambda: all_paused(agent))
    await runtime.unpause(web.container)  # and was killed in the middle of waking it
    restarted = Agent(agent.id, agent.directory, runtime, builder=FakeBuild(runtime))
    async with restarted.running() as environments:
        environments.wanted(served(wanted, revision=5, running=False, paused=True))
        environments.replayed({wanted.environment})
        await until(lambda: all_paused(restarted))
        assert restarted.reports.all(EnvironmentObserved) == [], "nothing serves"
        environments.wanted(served(wanted, revision=6, running=True, paused=False))
        await until(lambda: restarted.reports.all(EnvironmentObserved) and all_well(restarted, revision=6))
    lines = [line.text async for line in runtime.logs(web.container, follow=False)]
    assert lines.count("1") <= 1, "it was never started again"


async def test_a_push_while_it_sleeps_wakes_it_beside_the_new_one(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    wanted = environment(repository, "pr-1-data", candidate=deployment(repository.commit(files(busybox, 1))))
    newer = deployment(repository.commit(files(busybox, 2)))
    async with agent.running() as environments:
        await come_up(agent, environments, wanted)
        environments.wanted(served(wanted, revision=5, running=False, paused=True))
        await until(lambda: all_paused(agent))
        both = then(wanted, revision=6, live=wanted.candidate, candidate=newer, running=True, paused=False)
        await come_up(agent, environments, both)
        await asyncio.sleep(0)
        assert not await all_paused(agent)
