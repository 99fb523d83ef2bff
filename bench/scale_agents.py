"""Agents of `bench.scale`: they speak the real protocol over the real bus, all in one process, and run nothing.

`python -m bench.scale_agents URL NATS_URL FOLDER` reads bootstrap tokens from its input, a line each, and has an agent join
for each of them. It runs until its input ends.
"""

import asyncio
import contextlib
import itertools
import sys
from pathlib import Path

import nats.errors

from seatrial.replay import entries
from seatrial.wire import subjects
from seatrial.wire.agents import HEARTBEAT_SECONDS, Heartbeat
from seatrial.wire.deployments import (
    DesiredDeployment,
    DesiredEnvironment,
    EnvironmentObserved,
    EnvironmentRemoved,
    ObservedService,
)
from seatrial.wire.envelope import Envelope
from seatrial.wire.states import Isolation, ServiceKind
from tests.worker.scripted_agent import ScriptedAgent

REPORT_SECONDS = 30.0  # as real ones do
ASKED_MB = 64
_numbers = itertools.count()


def endpoint(_candidate: DesiredDeployment) -> str:
    """An address of its own, where nobody listens."""
    number = next(_numbers)
    return f"http://10.{100 + number // 62_500}.{number // 250 % 250}.{number % 250 + 1}:8080"


class Agent(ScriptedAgent):
    """It watches its bucket as real ones do, and says of each environment every REPORT_SECONDS that it runs."""

    async def start(self) -> None:
        """Connect, and work until `stop`."""
        self.asks = ASKED_MB
        self.services: dict[str, ObservedService] = {}  # by deployment
        await self._connect()
        self.tasks = [asyncio.create_task(work()) for work in (self._beat, self._watch, self._report)]

    async def _beat(self) -> None:
        beat = Heartbeat(
            release="bench",
            runtime=self.runtime,
            sandbox=Isolation.GVISOR,
            cpus=16,
            memory_mb=65536,
            disk_free_mb=100_000,
        )
        while True:
            await self.client.publish(subjects.heartbeat(self.id), Envelope.wrap(beat).encode())
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _watch(self) -> None:
        while True:
            with contextlib.suppress(
                TimeoutError, nats.errors.Error
            ):  # until the bucket is made, there is none
                await self._follow()
            await asyncio.sleep(0.5)

    async def _follow(self) -> None:
        async with contextlib.aclosing(entries(self.client.jetstream(), self.id)) as there:
            async for entry in there:
                if entry is None:
                    continue
                if entry.operation is not None:
                    self.desired.pop(entry.key, None)
                    await self.say(EnvironmentRemoved(environment=entry.key))
                    continue
                message, before = self._read(entry), self.desired.get(entry.key)
                if before is None or message.revision > before.revision:
                    self.desired[entry.key] = message
                    if message.candidate:
                        await self._take(message, message.candidate, before.candidate if before else None)

    async def _deploy(self, desired: DesiredEnvironment, candidate: DesiredDeployment) -> None:
        service = ObservedService(
            name="web", kind=ServiceKind.WEB, state="running", endpoint=endpoint(candidate)
        )
        self.services[candidate.id] = service
        self.endpoint = lambda _: service.endpoint or ""
        await super()._deploy(desired, candidate)

    async def _report(self) -> None:
        """Spread over the time, as those of many actors are."""
        while True:
            there = list(self.desired)
            for key in there:
                await asyncio.sleep(REPORT_SECONDS / len(there))
                await self._observe(key)
            if not there:
                await asyncio.sleep(1)

    async def _observe(self, key: str) -> None:
        desired = self.desired.get(key)
        if desired is None or desired.live is None or desired.live.id not in self.services:
            return
        services = [self.services[desired.live.id]]
        await self.say(
            EnvironmentObserved(
                environment=key,
                revision=desired.revision,
                deployment=desired.live.id,
                services=services,
                streams=0,
            )
        )


async def main(url: str, nats_url: str, folder: str) -> None:
    """Have an agent join for each line of the input, and say its id."""
    agents: list[Agent] = []
    loop = asyncio.get_running_loop()
    while line := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        agent = Agent(url, nats_url, line, Path(folder), endpoint)
        await loop.run_in_executor(None, agent.register)
        await agent.start()
        agents.append(agent)
        sys.stdout.write(f"{agent.id}\n")
        sys.stdout.flush()
    for agent in agents:
        await agent.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
