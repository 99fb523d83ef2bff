"""The engine goes away and comes back: nothing is lost, everything converges."""

import asyncio

import pytest

from seatrial.agent.environments import actor
from seatrial.agent.environments.launch import Launch
from seatrial.agent.environments.rollout import Rollout
from seatrial.agent.environments.startup import Launched
from seatrial.agent.vocabulary.egress import Egress
from seatrial.agent.vocabulary.errors import RuntimeUnavailable, StartError
from seatrial.wire.deployments import (
    DeploymentFailed,
    DeploymentPhase,
    DeploymentReady,
    EnvironmentObserved,
    EnvironmentRemoved,
)
from seatrial.wire.states import Isolation
from tests.agent.harness import Agent, deployment, environment, then
from tests.agent.previews import come_up, single
from tests.repositories import Repository
from tests.runtime.fake import FakeRuntime
from tests.waiting import LIMIT_SECONDS


@pytest.mark.slow
async def test_a_live_preview_survives_the_engines_absence(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    files = single(busybox, "httpd -f -p 80 -h /www", "    expose: 80\n")
    wanted = environment(repository, "pr-1-away", candidate=deployment(repository.commit(files)))
    async with agent.running() as environments:
        ready = await come_up(agent, environments, wanted)
        await agent.reports.next(EnvironmentObserved, revision=2)
        runtime.away = True
        environments.wanted(then(then(wanted, live=wanted.candidate, candidate=None)))
        await told_waiting(agent)
        assert agent.reports.all(EnvironmentRemoved) == [] and agent.reports.all(DeploymentFailed) == []
        await runtime.boxes[ready.services[0].container].stop()
        seen = len(agent.reports.events)
        runtime.away = False
        await agent.reports.next(EnvironmentObserved, seen, revision=3)
        observed = agent.reports.all(EnvironmentObserved)[-1]
        while observed.services[0].state != "running":
            seen = len(agent.reports.events)
            observed = await agent.reports.next(EnvironmentObserved, seen)
        assert await runtime.fetch(observed.services[0].endpoint) == "ok\n"
        environments.unwanted(wanted.environment)
        await agent.reports.next(EnvironmentRemoved)
    assert runtime.boxes == {}


async def told_waiting(agent: Agent) -> None:
    """The agent has noticed that nobody answers."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while "engine" not in agent.load.warnings:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.slow
async def test_a_candidate_waits_for_the_engine(
    agent: Agent, repository: Repository, busybox: str, runtime: FakeRuntime
) -> None:
    slow = "sleep 0.5; exec httpd -f -p 80 -h /www"
    files = single(busybox, slow, "    expose: 80\n")
    wanted = environment(repository, "pr-1-away", candidate=deployment(repository.commit(files)))
    async with agent.running() as environments:
        environments.wanted(wanted)
        environments.replayed({wanted.environment})
        await agent.reports.next(DeploymentPhase, phase="health")
        runtime.away = True
        await told_waiting(agent)
        runtime.away = False
        await agent.reports.next(DeploymentReady)
        assert agent.reports.all(DeploymentFailed) == []


@pytest.mark.slow
async def test_patience_begins_anew_after_the_engine_has_answered(
    agent: Agent, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actor, "PATIENCE_SECONDS", 1.0)
    outcomes = [RuntimeUnavailable("away"), StartError("broken"), RuntimeUnavailable("away"), None]

    async def bring_up(work: Rollout, **_: object) -> Launched:
        if outcome := outcomes.pop(0):
            raise outcome
        return Launched(Launch(second.id, "none", (), Isolation.CONTAINER, Egress.INTERNET), {})

    monkeypatch.setattr(Rollout, "bring_up", bring_up)
    first, second = deployment("a" * 40), deployment("b" * 40)
    wanted = environment(repository, "pr-1-away", candidate=first)
    async with agent.running() as environments:
        environments.wanted(wanted)
        environments.replayed({wanted.environment})
        failure = await agent.reports.next(DeploymentFailed)
        assert failure.reason == "start_failed"
        environments.wanted(then(wanted, candidate=second))
        await agent.reports.next(DeploymentReady, deployment=second.id)
