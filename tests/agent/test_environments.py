"""Environments converge to what is desired, on a real engine: up, switched, repaired, removed."""

import asyncio
import subprocess

import pytest

from seatrial.agent.vocabulary.labels import AGENT, DEPLOYMENT, SERVICE
from seatrial.wire.deployments import (
    DeploymentPhase,
    DeploymentReady,
    EnvironmentObserved,
    EnvironmentRemoved,
)
from seatrial.wire.states import Isolation
from tests.agent.harness import Agent, deployment, environment, then
from tests.agent.previews import come_up, fetch, images_of, left, nothing, shop
from tests.repositories import Repository
from tests.waiting import LIMIT_SECONDS, until

pytestmark = pytest.mark.docker


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
        ended = [p.phase for p in agent.reports.all(DeploymentPhase) if p.seconds is not None]
        assert set(ended) == {"checkout", "recipe", "build web", "build api", "build db", "start", "health"}
        assert ended[:2] == ["checkout", "recipe"] and ended[-2:] == ["start", "health"]
        container = await agent.runtime.get(services["web"].container)
        assert container is not None
        await agent.reports.line("db: ready to serve")
        await agent.reports.line("web: built web")
        database = await agent.runtime.get(services["db"].container)
        await agent.reports.next(EnvironmentObserved, deployment=first.id)

        second = deployment(repository.commit(shop(busybox, "changed")))
        update = then(wanted, revision=5, live=first, candidate=second)
        environments.wanted(update)
        ready = await agent.reports.next(DeploymentReady, deployment=second.id)
        after = {service.name: service for service in ready.services}
        assert await fetch(after["web"].endpoint) == "changed"
        assert await fetch(services["web"].endpoint) == "hello"
        assert agent.builder.built.count("api") == 1, "an unchanged service is not built again"
        same = await agent.runtime.get(after["db"].container)
        assert database and same and same.started_at == database.started_at, "data stays"
        assert len(same.addresses) == 2

        environments.wanted(then(update, live=second, candidate=None))
        await agent.reports.next(EnvironmentObserved, deployment=second.id)
        old = {AGENT: agent.id, DEPLOYMENT: first.id}
        await until(lambda: nothing(agent, old))
        await until(lambda: images_of(agent, "web", 1))

        environments.unwanted(wanted.environment)
        await agent.reports.next(EnvironmentRemoved, environment=wanted.environment)
        assert await left(agent, wanted.environment) == []
        assert list((agent.directory / "builds").iterdir()) == []


async def test_live_is_kept_alive(agent: Agent, repository: Repository, busybox: str) -> None:
    wanted = environment(repository, "pr-1-shop", candidate=deployment(repository.commit(shop(busybox))))
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
        assert wanted.candidate is not None
        await agent.reports.next(EnvironmentObserved, deployment=wanted.candidate.id)
        web = next(s for s in ready.services if s.name == "web")
        db = next(s for s in ready.services if s.name == "db")
        seen = len(agent.reports.events)
        images = await agent.runtime.list_images({AGENT: agent.id, SERVICE: "web"})
        # All at once for the agent, which cannot do anything meanwhile: an image that is in use again would stay.
        for command in (["rm", "-f", web.container], ["rmi", *images], ["stop", "-t", "0", db.container]):
            subprocess.run(["docker", *command], check=True, capture_output=True)  # noqa: ASYNC221
        async with asyncio.timeout(LIMIT_SECONDS):
            while True:
                observed = await agent.reports.next(EnvironmentObserved, seen)
                seen += 1
                states = {service.name: service.state for service in observed.services}
                if set(states.values()) == {"running"}:
                    break
        assert agent.builder.built.count("web") >= 2
        endpoint = next(s.endpoint for s in observed.services if s.name == "web")
        assert await fetch(endpoint) == "hello"
