"""After pushes, crashes, outages of the engine and kills of the agent in any order, the desired state is reached."""

import asyncio
import random
from contextlib import AsyncExitStack

import pytest

from seatrial.agent.environments.service import Environments
from seatrial.agent.vocabulary.labels import AGENT, DEPLOYMENT
from seatrial.wire.deployments import DeploymentReady, DesiredDeployment, DesiredEnvironment
from tests.agent.harness import Agent, deployment, environment, then
from tests.agent.previews import gone, single
from tests.repositories import Repository
from tests.runtime.builds import FakeBuild
from tests.runtime.fake import FakeRuntime
from tests.waiting import until

STEPS = 30
COMMANDS = ("httpd -f -p 80 -h /www", "exit 1", "sleep 0.05; exec httpd -f -p 80 -h /www", "sleep 600")


class Storm:
    """One environment, its agent of the moment, and what the control plane would say to it."""

    def __init__(
        self, agent: Agent, repository: Repository, runtime: FakeRuntime, wanted: DesiredEnvironment
    ):
        self.agent, self.repository, self.runtime, self.wanted = agent, repository, runtime, wanted
        self.environments: Environments | None = None
        self.life = AsyncExitStack()

    async def restart(self) -> None:
        """The agent is killed, and its successor told what is wanted."""
        await self.life.aclose()
        builder = FakeBuild(self.runtime)
        self.agent = Agent(self.agent.id, self.agent.directory, self.runtime, builder=builder)
        self.environments = await self.life.enter_async_context(self.agent.running())
        self.tell(self.wanted)
        self.environments.replayed({self.wanted.environment})

    def tell(self, wanted: DesiredEnvironment) -> None:
        """The control plane's word."""
        assert self.environments is not None
        self.wanted = wanted
        self.environments.wanted(wanted)

    async def push(self, command: str, busybox: str) -> DesiredDeployment:
        """A new commit is the candidate."""
        more = "    expose: 80\n    restart: never\n    health: {path: /, timeout: 1s}\n"
        pushed = deployment(self.repository.commit(single(busybox, command, more)))
        self.tell(then(self.wanted, candidate=pushed))
        return pushed

    async def switch(self) -> None:
        """A candidate that was told to be ready is live."""
        ready = {event.deployment for event in self.agent.reports.all(DeploymentReady)}
        candidate = self.wanted.candidate
        if candidate is not None and candidate.id in ready:
            self.tell(then(self.wanted, live=candidate, candidate=None))

    async def crash(self, chance: random.Random) -> None:
        """A container ends, or is gone with its image."""
        if self.runtime.boxes:
            name = chance.choice(sorted(self.runtime.boxes))
            box = self.runtime.boxes[name]
            if chance.random() < 0.5:
                del self.runtime.boxes[name]
            await box.stop()

    async def engine_away(self) -> None:
        """For a moment."""
        self.runtime.away = True
        await asyncio.sleep(0.05)
        self.runtime.away = False

    async def as_wanted(self) -> bool:
        """What is live runs, and nothing else is there."""
        containers = await self.runtime.list_containers({AGENT: self.agent.id})
        assert self.wanted.live is not None
        there = [(c.labels[DEPLOYMENT], c.state.value) for c in containers]
        networks = await self.runtime.list_networks({AGENT: self.agent.id})
        return there == [(self.wanted.live.id, "running")] and len(networks) == 1


@pytest.mark.parametrize("number", range(3))
async def test_any_storm_ends_as_wanted(
    agent: Agent,
    repository: Repository,
    runtime: FakeRuntime,
    busybox: str,
    chance: random.Random,
    number: int,
) -> None:
    chance.seed(f"{chance.random()} {number}")
    first = deployment(repository.commit(single(busybox, COMMANDS[0], "    expose: 80\n")))
    storm = Storm(agent, repository, runtime, environment(repository, "pr-1-storm", candidate=first))
    await storm.restart()
    for _ in range(STEPS):
        match chance.choice(["push", "switch", "switch", "crash", "away", "restart", "wait", "wait"]):
            case "push":
                await storm.push(chance.choice(COMMANDS), busybox)
            case "switch":
                await storm.switch()
            case "crash":
                await storm.crash(chance)
            case "away":
                await storm.engine_away()
            case "restart":
                await storm.restart()
            case _:
                await asyncio.sleep(chance.random() / 5)
    last = await storm.push(COMMANDS[0], busybox)
    await storm.agent.reports.next(DeploymentReady, deployment=last.id)
    await storm.switch()
    await until(storm.as_wanted, what="only what is live is there, and runs")
    assert storm.environments is not None
    storm.environments.unwanted(storm.wanted.environment)
    await gone(storm.agent, storm.wanted.environment)
    await storm.life.aclose()
