"""A held candidate is prepared, and starts nothing before it is let in."""

import asyncio
from collections.abc import Mapping

import pytest

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.environments import admission
from seatrial.agent.vocabulary.errors import StartError
from seatrial.agent.vocabulary.labels import AGENT, SERVICE
from seatrial.agent.vocabulary.logs import Log
from seatrial.wire.deployments import (
    DeploymentFailed,
    DeploymentPhase,
    DeploymentReady,
    DesiredDeployment,
    EnvironmentRemoved,
    RecipeRead,
)
from seatrial.wire.words import Phase
from tests.agent.harness import Agent, deployment, environment, then
from tests.agent.previews import come_up, left, single
from tests.repositories import Repository
from tests.runtime.builds import FakeBuild
from tests.runtime.fake import FakeRuntime
from tests.waiting import until

RECIPE = """version: 1
services:
  web: {kind: web, build: {path: .}, expose: 80, resources: {cpus: 0.5, memory: 96m}}
  helper: {kind: worker, build: {path: .}}
"""
DATA = RECIPE + "  db: {kind: database, build: {path: .}, expose: 80}\n"


def files(busybox: str, recipe: str = RECIPE, page: str = "one") -> dict[str, str]:
    dockerfile = f"FROM {busybox}\nCOPY index.html /www/index.html\nCMD httpd -f -p 80 -h /www\n"
    return {"galley.yml": recipe, "Dockerfile": dockerfile, "index.html": page}


def held(one: DesiredDeployment) -> DesiredDeployment:
    return one.model_copy(update={"held": True})


async def services(agent: Agent) -> set[str]:
    return {c.labels[SERVICE] for c in await agent.runtime.list_containers({AGENT: agent.id})}


async def built(agent: Agent, one: DesiredDeployment, service: str) -> None:
    phase = Phase.BUILD.named(service)
    await agent.reports.next(DeploymentPhase, deployment=one.id, phase=phase)
    await until(
        lambda: [
            p
            for p in agent.reports.all(DeploymentPhase)
            if (p.deployment, p.phase) == (one.id, phase) and p.seconds is not None
        ]
    )


async def test_it_says_what_it_asks_for_is_built_and_starts_when_it_is_let_in(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    first = deployment(repository.commit(files(busybox)))
    wanted = environment(repository, "pr-1-shop", candidate=held(first))
    async with agent.running() as environments:
        environments.wanted(wanted)
        environments.replayed({wanted.environment})
        read = await agent.reports.next(RecipeRead, deployment=first.id)
        assert (read.cpus, read.memory_mb) == (1.5, 96 + 64), "what says nothing counts with the defaults"
        await built(agent, first, "web")
        environments.wanted(then(wanted, revision=2, candidate=held(first)))
        await asyncio.sleep(0.2)
        assert await services(agent) == set() and not await agent.runtime.list_networks({})
        environments.wanted(then(wanted, revision=3, candidate=first))
        await agent.reports.next(DeploymentReady, deployment=first.id)
        assert await services(agent) == {"web", "helper"}


async def test_it_reminds_until_it_is_let_in(
    agent: Agent, repository: Repository, busybox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "REMIND_SECONDS", 0.01)
    first = deployment(repository.commit(files(busybox)))
    wanted = environment(repository, "pr-1-shop", candidate=held(first))
    async with agent.running() as environments:
        environments.wanted(wanted)
        environments.replayed({wanted.environment})
        await until(lambda: len(agent.reports.all(RecipeRead)) > 2)
        assert len({(read.cpus, read.memory_mb) for read in agent.reports.all(RecipeRead)}) == 1


async def test_one_that_nobody_wants_any_more_never_starts(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    first = deployment(repository.commit(files(busybox)))
    wanted = environment(repository, "pr-1-shop", candidate=held(first))
    async with agent.running() as environments:
        environments.wanted(wanted)
        environments.replayed({wanted.environment})
        await built(agent, first, "web")
        second = deployment(repository.commit(files(busybox, page="two")))
        environments.wanted(then(wanted, revision=2, candidate=held(second)))
        await built(agent, second, "web")
        environments.unwanted(wanted.environment)
        await agent.reports.next(EnvironmentRemoved, environment=wanted.environment)
        phases = {phase.phase for phase in agent.reports.all(DeploymentPhase)}
        assert Phase.START.named() not in phases
        assert agent.reports.all(DeploymentFailed) == []
        assert await left(agent, wanted.environment) == []


async def test_the_live_version_is_looked_after_while_the_next_one_is_held(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    first = deployment(repository.commit(files(busybox, DATA)))
    wanted = environment(repository, "pr-1-shop", candidate=first)
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
        database = next(service.container for service in ready.services if service.name == "db")
        second = deployment(repository.commit(files(busybox, DATA, "two")))
        environments.wanted(then(wanted, revision=5, live=first, candidate=held(second)))
        await built(agent, second, "web")
        await agent.runtime.remove(database)
        await until(lambda: agent.runtime.get(database), what="its database is there again")


async def test_an_agent_that_begins_again_says_what_the_live_version_may_use(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    first = deployment(repository.commit(single(busybox, "httpd -f -p 80 -h /www", "    expose: 80\n")))
    wanted = environment(repository, "pr-1-shop", candidate=first)
    async with agent.running() as environments:
        await come_up(agent, environments, wanted)
    known = len(agent.reports.events)
    async with agent.running() as environments:
        environments.wanted(then(wanted, revision=7, live=first, candidate=None))
        environments.replayed({wanted.environment})
        read = await agent.reports.next(RecipeRead, seen=known, deployment=first.id)
        assert (read.cpus, read.memory_mb) == (1, 64)


async def test_one_that_asks_for_no_more_than_the_live_version_need_not_wait(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    first = deployment(repository.commit(files(busybox)))
    wanted = environment(repository, "pr-1-shop", candidate=first)
    async with agent.running() as environments:
        await come_up(agent, environments, wanted)
        second = deployment(repository.commit(files(busybox, page="two")))
        short = held(second).model_copy(update={"room_cpus": 1.5, "room_memory_mb": 159})
        environments.wanted(then(wanted, revision=5, live=first, candidate=short))
        await built(agent, second, "web")
        await asyncio.sleep(0.2)
        assert agent.reports.all(DeploymentReady)[-1].deployment == first.id, "a megabyte is missing"
        enough = short.model_copy(update={"room_memory_mb": 160})
        environments.wanted(then(wanted, revision=6, live=first, candidate=enough))
        await agent.reports.next(DeploymentReady, deployment=second.id)


class AfterTheNetwork(FakeBuild):
    """Builds nothing before the deployment has its network."""

    def __init__(self, runtime: FakeRuntime) -> None:
        super().__init__(runtime)
        self._networks = runtime.networks

    async def build(self, request: BuildRequest, log: Log) -> None:
        await until(lambda: self._networks)
        await super().build(request, log)


async def test_the_network_is_made_while_images_are_built(
    agent: Agent, runtime: FakeRuntime, repository: Repository, busybox: str
) -> None:
    agent.builder = AfterTheNetwork(runtime)
    first = deployment(repository.commit(files(busybox)))
    wanted = environment(repository, "pr-1-shop", candidate=first)
    async with agent.running() as environments:
        environments.wanted(wanted)
        environments.replayed({wanted.environment})
        await agent.reports.next(DeploymentReady, deployment=first.id)
        assert len(runtime.networks) == 1


async def test_a_network_that_cannot_be_made_yet_is_made_when_services_start(
    agent: Agent, runtime: FakeRuntime, repository: Repository, busybox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, ensure = asyncio.Event(), runtime.ensure_network

    async def once_in_vain(name: str, labels: Mapping[str, str]) -> None:
        if not tried.is_set():
            tried.set()
            raise StartError("no free subnet")
        await ensure(name, labels)

    monkeypatch.setattr(runtime, "ensure_network", once_in_vain)
    first = deployment(repository.commit(files(busybox)))
    wanted = environment(repository, "pr-1-shop", candidate=first)
    async with agent.running() as environments:
        environments.wanted(wanted)
        environments.replayed({wanted.environment})
        await agent.reports.next(DeploymentReady, deployment=first.id)
