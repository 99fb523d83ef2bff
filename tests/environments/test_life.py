"""Environments converge to what is desired: up, switched, repaired, superseded, removed."""

import asyncio

import pytest

from seatrial.agent.vocabulary.labels import AGENT, DEPLOYMENT, SERVICE
from seatrial.wire.deployments import (
    DeploymentFailed,
    DeploymentPhase,
    DeploymentReady,
    EnvironmentObserved,
    EnvironmentRemoved,
)
from seatrial.wire.envelope import Message
from seatrial.wire.states import Isolation
from tests.agent.harness import Agent, deployment, environment, then
from tests.agent.previews import come_up, images_of, left, nothing, shop, single
from tests.repositories import Repository
from tests.runtime.fake import FakeRuntime
from tests.waiting import LIMIT_SECONDS, until


async def test_what_nobody_need_act_on_is_reported_apart_from_warnings_and_logged(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    compose = f"services:\n  web:\n    image: {busybox}\n    command: httpd -f -p 8080 -h /www\n    ports: ['80:8080']\n"
    wanted = environment(
        repository, "pr-1-shop", candidate=deployment(repository.commit({"compose.yaml": compose}))
    )
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
    [note] = ready.notes
    assert note.startswith("compose.yaml:5: services.web.ports: the host's side is ignored")
    assert ready.warnings == []
    await agent.reports.line(note)


async def test_up_switched_and_removed(agent: Agent, repository: Repository, busybox: str) -> None:
    first = deployment(repository.commit(shop(busybox)))
    wanted = environment(repository, "pr-1-shop", candidate=first)
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
        services = {service.name: service for service in ready.services}
        assert await agent.runtime.fetch(services["web"].endpoint) == "hello"
        assert services["web"].labels == ["pr-1-shop"] and services["api"].labels == ["api-pr-1-shop"]
        assert services["db"].endpoint is None
        assert (facts := services["web"].facts) is not None, "for policies that look at previews"
        assert facts.listening and facts.image_bytes == 5_000_000 and facts.exit_code is None
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
        assert await agent.runtime.fetch(after["web"].endpoint) == "changed"
        assert await agent.runtime.fetch(services["web"].endpoint) == "hello"
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


async def test_interpolation_reaches_the_container(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    more = "    expose: 80\n    env: {U: '${GALLEY_PREVIEW_URL_web}', D: '$$5', T: '${TOKEN}', N: '${GALLEY_NUMBER}', H: '${GALLEY_PREVIEW_HOST_web}', M: '${GALLEY_PREVIEW_HOSTNAME_web}', C: '${GALLEY_CALLBACK_URL}/done', S: '${GALLEY_CALLBACK_HOST}'}\n"
    command = "env; exec httpd -f -p 80 -h /www"
    wanted = environment(
        repository,
        "pr-1-shop",
        candidate=deployment(repository.commit(single(busybox, command, more)), variables=True),
        callback="callback-shop",
    )
    agent.secrets = {"TOKEN": "short"}  # too short to be masked
    async with agent.running() as environments:
        await come_up(agent, environments, wanted)
        for expected in (
            "U=http://pr-1-shop.preview.localhost:8080",
            "D=$5",
            "C=http://callback-shop.preview.localhost:8080/done",
            "S=callback-shop.preview.localhost:8080",
            "T=short",
            "N=1",
            "H=pr-1-shop.preview.localhost:8080",
        ):
            await agent.reports.line(f"web: {expected}")
        assert "web: M=pr-1-shop.preview.localhost" in agent.reports.lines
        assert {"web: D=$5", "web: T=short", "web: N=1"} <= set(agent.reports.lines)


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
        await agent.reports.next(DeploymentPhase, phase="health")
        quick = deployment(repository.commit(single(busybox, "httpd -f -p 80 -h /www", "    expose: 80\n")))
        environments.wanted(then(wanted, candidate=quick))
        await agent.reports.next(DeploymentReady, deployment=quick.id)
        assert {c.labels[DEPLOYMENT] for c in await agent.runtime.list_containers({AGENT: agent.id})} == {
            quick.id
        }
        assert agent.reports.all(DeploymentFailed) == []


async def test_live_is_kept_alive(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    wanted = environment(repository, "pr-1-shop", candidate=deployment(repository.commit(shop(busybox))))
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
        assert wanted.candidate is not None
        await agent.reports.next(EnvironmentObserved, deployment=wanted.candidate.id)
        web = next(s for s in ready.services if s.name == "web")
        db = next(s for s in ready.services if s.name == "db")
        seen = len(agent.reports.events)
        images = await agent.runtime.list_images({AGENT: agent.id, SERVICE: "web"})
        # All at once for the agent, which cannot do anything meanwhile.
        lost = runtime.boxes.pop(web.container)
        for image in images:
            del runtime.images[image]
        for box in (lost, runtime.boxes[db.container]):
            await box.stop()
        async with asyncio.timeout(LIMIT_SECONDS):
            while True:
                observed = await agent.reports.next(EnvironmentObserved, seen)
                seen += 1
                states = {service.name: service.state for service in observed.services}
                if set(states.values()) == {"running"}:
                    break
        assert agent.builder.built.count("web") >= 2
        endpoint = next(s.endpoint for s in observed.services if s.name == "web")
        assert await agent.runtime.fetch(endpoint) == "hello"


async def test_an_empty_folder_of_builds_is_removed_once(agent: Agent) -> None:
    (agent.directory / "builds" / "01GONE").mkdir(parents=True)
    async with agent.running() as environments:
        environments.replayed(set())
        await agent.reports.next(EnvironmentRemoved, environment="01GONE")
        assert list((agent.directory / "builds").iterdir()) == []


@pytest.mark.slow
async def test_a_failure_that_cannot_be_reported_is_not_tried_again(
    agent: Agent, repository: Repository, busybox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes, gone_once = 0, asyncio.Event()

    async def breaks(*_: object) -> None:
        nonlocal goes
        goes += 1
        gone_once.set()
        raise ValueError("told to nobody")

    monkeypatch.setattr("seatrial.agent.environments.rollout.Rollout.fail", breaks)
    wanted = environment(repository, "pr-1-bad", candidate=deployment(repository.commit({"README": "no"})))
    async with agent.running() as environments:
        environments.wanted(wanted)
        environments.replayed({wanted.environment})
        async with asyncio.timeout(LIMIT_SECONDS):
            await gone_once.wait()
        await asyncio.sleep(2)
    assert goes == 1


async def test_deleted_while_it_comes_up(agent: Agent, repository: Repository, busybox: str) -> None:
    wanted = environment(repository, "pr-1-shop", candidate=deployment(repository.commit(shop(busybox))))
    async with agent.running() as environments:
        environments.wanted(wanted)
        environments.replayed({wanted.environment})
        await agent.reports.next(DeploymentPhase, phase="start")
        environments.unwanted(wanted.environment)
        await agent.reports.next(EnvironmentRemoved)
        assert await left(agent, wanted.environment) == []
        assert agent.reports.all(DeploymentFailed) == []


async def test_wanted_again_in_its_last_moment_it_begins_anew(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    wanted = environment(repository, "pr-1-shop", candidate=deployment(repository.commit(shop(busybox))))
    report = agent.reports.observed

    async with agent.running() as environments:

        async def wanted_again(message: Message, *, workspace: str, about: str) -> None:
            if isinstance(message, EnvironmentRemoved):
                environments.wanted(wanted)
            await report(message, workspace=workspace, about=about)

        agent.reports.observed = wanted_again  # type: ignore[method-assign]
        environments.wanted(wanted)
        environments.replayed({wanted.environment})
        await agent.reports.next(DeploymentReady)
        seen = len(agent.reports.events)
        environments.unwanted(wanted.environment)
        await agent.reports.next(EnvironmentRemoved, seen)
        await agent.reports.next(DeploymentReady, seen)


async def test_the_recipe_is_taken_from_the_deployments_folder(
    agent: Agent, repository: Repository, busybox: str
) -> None:
    compose = (
        f"services:\n  web:\n    image: {busybox}\n    command: httpd -f -p 8080 -h /www\n    ports: [8080]\n"
    )
    commit = repository.commit({"services/shop/compose.yaml": compose, "galley.yml": "no recipe"})
    candidate = deployment(commit).model_copy(update={"recipe_folder": "services/shop"})
    wanted = environment(repository, "pr-1-shop", candidate=candidate)
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
    assert [service.name for service in ready.services] == ["web"]
