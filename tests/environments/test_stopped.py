"""An environment that is not to run keeps everything it has, and goes on with it when it runs again."""

import asyncio

import pytest

from seatrial.agent.environments.rollout import Rollout
from seatrial.agent.environments.startup import Launched
from seatrial.agent.vocabulary.containers import ContainerState
from seatrial.agent.vocabulary.labels import AGENT, DEPLOYMENT
from seatrial.wire.deployments import (
    DeploymentReady,
    DesiredEnvironment,
    EnvironmentObserved,
    EnvironmentRemoved,
)
from tests.agent.harness import Agent, deployment, environment, then
from tests.agent.previews import come_up, left, nothing, shop, single
from tests.environments.test_durable_services import files, named
from tests.repositories import Repository
from tests.runtime.builds import FakeBuild
from tests.runtime.fake import FakeRuntime
from tests.waiting import until


def served(wanted: DesiredEnvironment, *, revision: int, running: bool) -> DesiredEnvironment:
    """Its candidate is live, and is to run or not."""
    return then(wanted, revision=revision, live=wanted.candidate, candidate=None, running=running)


async def all_stopped(agent: Agent) -> bool:
    containers = await agent.runtime.list_containers({AGENT: agent.id})
    return bool(containers) and not any(container.state.up for container in containers)


def all_well(agent: Agent, *, revision: int) -> bool:
    last = agent.reports.all(EnvironmentObserved)[-1]
    return last.revision == revision and {service.state for service in last.services} == {"running"}


async def test_it_goes_on_with_the_same_containers_and_the_same_data(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    first = deployment(repository.commit(files(busybox, 1)))
    wanted = environment(repository, "pr-1-data", candidate=first)
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
        web = named(ready.services, "web")
        await agent.reports.next(EnvironmentObserved, deployment=first.id)
        await runtime.run(web.container, "echo row > /tmp/row")
        before = await left(agent, wanted.environment)
        built = list(agent.builder.built)

        environments.wanted(served(wanted, revision=5, running=False))
        await until(lambda: all_stopped(agent))
        assert len(await left(agent, wanted.environment)) == len(before), "nothing is removed"

        environments.wanted(served(wanted, revision=6, running=True))
        await until(lambda: all_well(agent, revision=6))
        assert await agent.runtime.fetch(web.endpoint) == "1\n1\n", "the volume stays; db has begun again"
        assert await runtime.run(web.container, "cat /tmp/row") == "row\n", "it is the same container"
        assert agent.builder.built == built
        assert agent.reports.all(DeploymentReady) == [ready], "it is the same deployment"
        environments.unwanted(wanted.environment)
        await agent.reports.next(EnvironmentRemoved)
        assert await left(agent, wanted.environment) == []


async def test_services_without_data_are_started_again_where_they_are(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    recipe = single(busybox, "httpd -f -p 80 -h /www", "    expose: 80\n")
    wanted = environment(repository, "pr-1-x", candidate=deployment(repository.commit(recipe)))
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
        environments.wanted(served(wanted, revision=5, running=False))
        await until(lambda: all_stopped(agent))
        environments.wanted(served(wanted, revision=6, running=True))
        await until(
            lambda: agent.runtime.fetch(ready.services[0].endpoint), not_yet=(ConnectionRefusedError,)
        )
        assert await agent.runtime.fetch(ready.services[0].endpoint) == "ok\n"


async def test_an_agent_that_was_killed_leaves_it_stopped_and_finds_it_for_an_undo(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    wanted = environment(repository, "pr-1-data", candidate=deployment(repository.commit(files(busybox, 1))))
    async with agent.running() as environments:
        db = named((await come_up(agent, environments, wanted)).services, "db")
        environments.wanted(served(wanted, revision=5, running=False))
        await until(lambda: all_stopped(agent))
    restarted = Agent(agent.id, agent.directory, runtime, builder=FakeBuild(runtime))
    async with restarted.running() as environments:
        environments.wanted(served(wanted, revision=5, running=False))
        environments.replayed({wanted.environment})
        await asyncio.sleep(0.7)  # the sweep's grace is over, and nothing came
        assert await all_stopped(agent) and await runtime.list_volumes({AGENT: agent.id})
        assert restarted.reports.all(EnvironmentObserved) == [], "nothing serves"
        environments.wanted(served(wanted, revision=6, running=True))
        observed = await restarted.reports.next(EnvironmentObserved)
        assert {service.state for service in observed.services} == {"running"}
    lines = [line.text async for line in runtime.logs(db.container, follow=False)]
    assert lines[-2:] == ["1", "1"], "it has its data"


async def test_nothing_is_left_when_the_agent_heard_of_neither_the_stop_nor_its_end(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    wanted = environment(repository, "pr-1-data", candidate=deployment(repository.commit(files(busybox, 1))))
    async with agent.running() as environments:
        await come_up(agent, environments, wanted)
    assert await runtime.list_volumes({AGENT: agent.id})
    restarted = Agent(agent.id, agent.directory, runtime, builder=FakeBuild(runtime))
    async with restarted.running() as environments:
        environments.replayed(set())
        await restarted.reports.next(EnvironmentRemoved, environment=wanted.environment)
        assert await left(agent, wanted.environment) == []


async def test_nothing_is_left_when_the_agent_was_killed_while_it_was_stopped(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    wanted = environment(repository, "pr-1-data", candidate=deployment(repository.commit(files(busybox, 1))))
    async with agent.running() as environments:
        await come_up(agent, environments, wanted)
        environments.wanted(served(wanted, revision=5, running=False))
        await until(lambda: all_stopped(agent))
    restarted = Agent(agent.id, agent.directory, runtime, builder=FakeBuild(runtime))
    async with restarted.running() as environments:
        environments.wanted(served(wanted, revision=5, running=False))
        environments.replayed({wanted.environment})
        environments.unwanted(wanted.environment)
        await restarted.reports.next(EnvironmentRemoved, environment=wanted.environment)
        assert await left(agent, wanted.environment) == []


async def test_work_that_is_under_way_ends_and_what_it_made_goes(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    first = deployment(repository.commit(shop(busybox)))
    wanted = environment(repository, "pr-1-shop", candidate=first)
    slow = deployment(repository.commit(single(busybox, "sleep 600", "    expose: 80\n")))
    async with agent.running() as environments:
        await come_up(agent, environments, wanted)
        environments.wanted(then(wanted, revision=5, live=first, candidate=slow))
        made = {AGENT: agent.id, DEPLOYMENT: slow.id}
        await until(lambda: runtime.list_containers(made))
        environments.wanted(served(wanted, revision=6, running=False))
        await until(lambda: nothing(agent, made))
        await until(lambda: all_stopped(agent))
        there = await runtime.list_containers({AGENT: agent.id, DEPLOYMENT: first.id})
        assert {container.state for container in there} == {ContainerState.EXITED}


async def test_a_repair_that_a_stop_cut_short_takes_nothing_from_visitors_later(
    agent: Agent,
    repository: Repository,
    busybox: str,
    runtime: FakeRuntime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The deployment has served: once another is live, it is drained as ever."""
    begun, ended, bring_up = asyncio.Event(), asyncio.Event(), Rollout.bring_up

    async def held(self: Rollout, *, silent: bool, replace_durable: bool = True) -> Launched:
        if silent and not begun.is_set():
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
        return await bring_up(self, silent=silent, replace_durable=replace_durable)

    monkeypatch.setattr(Rollout, "bring_up", held)
    first = deployment(repository.commit(files(busybox, 1)))
    wanted = environment(repository, "pr-1-data", candidate=first, drain_seconds=600.0)
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
        await agent.reports.next(EnvironmentObserved, deployment=first.id)
        for service in ready.services:
            await runtime.stop(service.container, 0)
        await begun.wait()
        environments.wanted(served(wanted, revision=5, running=False))
        await ended.wait()
        environments.wanted(served(wanted, revision=6, running=True))
        await until(lambda: all_well(agent, revision=6))
        second = deployment(repository.commit(files(busybox, 1)))
        environments.wanted(then(wanted, revision=7, live=first, candidate=second))
        await agent.reports.next(DeploymentReady, deployment=second.id)
        environments.wanted(then(wanted, revision=8, live=second, candidate=None))
        await agent.reports.next(EnvironmentObserved, deployment=second.id)
        assert await runtime.list_containers({AGENT: agent.id, DEPLOYMENT: first.id}), "it drains"
