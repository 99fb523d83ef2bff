"""The data of an environment: commands that bring it about, and what is known of it on the host.

`migrate` is run at each deployment, `seed` once for the data of the environment. Each is a container of its own that ends,
made from the service that declares it: what a command has done is read off its container, which stays as long as its
deployment. So an agent that was killed meanwhile goes on where it was. That the data was seeded is a volume of its own, a
mark: it comes after the seed has ended, and goes with the data.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from seatrial.agent.environments.launch import Launch, Planned, fingerprint
from seatrial.agent.environments.names import Names, owned_by
from seatrial.agent.environments.phases import Phases
from seatrial.agent.runtime.base import Runtime
from seatrial.agent.vocabulary.containers import Container, ContainerState, RestartPolicy
from seatrial.agent.vocabulary.errors import AgentError, MigrateFailed, SeedFailed
from seatrial.agent.vocabulary.labels import (
    COMMAND,
    DEPLOYMENT,
    FINGERPRINT,
    GENERATION,
    MADE_FOR,
    MARK,
    SERVICE,
)
from seatrial.agent.vocabulary.logs import decisive
from seatrial.wire.words import Phase

LONGEST_SECONDS = 600.0  # of one command
TAIL_LINES = 40
FIRST_INTERVAL_SECONDS, LONGEST_INTERVAL_SECONDS = 0.05, 1.0
BEGUN, SEEDED = "begun", "seeded"  # what marks say of a service's seed
ERRORS: dict[Phase, type[AgentError]] = {Phase.MIGRATE: MigrateFailed, Phase.SEED: SeedFailed}
Started = Callable[[Planned, Container], Awaitable[None]]


class Marks:
    """What is known of the data of one environment."""

    def __init__(self, runtime: Runtime, names: Names) -> None:
        self._runtime = runtime
        self._names = names

    async def about(self, mark: str) -> set[str]:
        """The services of which the mark is set."""
        labels = owned_by(self._names.agent, self._names.environment) | {MARK: mark}
        return {found.get(SERVICE, "") for found in (await self._runtime.list_volumes(labels)).values()}

    async def set(self, mark: str, service: str) -> None:
        """Set the mark. Idempotent."""
        labels = self._names.labels(service=service) | {MARK: mark}
        await self._runtime.ensure_volume(self._names.mark(mark, service), labels)

    async def set_generation(self, generation: int) -> None:
        """Say that this is the data after so many times of emptying it. Idempotent."""
        labels = self._names.labels() | {GENERATION: str(generation)}
        await self._runtime.ensure_volume(self._names.mark("data", str(generation)), labels)


class DataCommands:
    """Runs the commands of one launch."""

    def __init__(
        self, runtime: Runtime, names: Names, launch: Launch, phases: Phases, on_started: Started
    ) -> None:
        self._runtime = runtime
        self._launch = launch
        self._names = names
        self._phases = phases
        self._on_started = on_started
        self._marks = Marks(runtime, names)

    async def run(self, planned: Planned) -> None:
        """Run those of a service that are still to run: `migrate`, then `seed`. Raises MigrateFailed, SeedFailed, StartError."""
        if planned.service.migrate:
            await self._run(planned, Phase.MIGRATE, planned.service.migrate)
        if planned.service.seed:
            await self._seed(planned, planned.service.seed)

    async def _seed(self, planned: Planned, command: Sequence[str]) -> None:
        """Without anything that is kept, the data is new at each deployment, and so is what the seed has done."""
        if not keeps_data(self._launch):
            await self._run(planned, Phase.SEED, command)
            return
        name = planned.service.name
        if name in await self._marks.about(SEEDED):
            return
        await self._marks.set(BEGUN, name)
        await self._run(planned, Phase.SEED, command)
        await self._marks.set(SEEDED, name)

    async def _run(self, planned: Planned, phase: Phase, command: Sequence[str]) -> None:
        one_off = self._one_off(planned, phase, command)
        present = await self._runtime.get(one_off.spec.name)
        if present is not None and has_succeeded(present):
            return
        async with self._phases.phase(phase, planned.service.name):
            container = await self._runtime.start(one_off.spec)
            await self._on_started(one_off, container)
            await self._ended(one_off, phase)

    def _one_off(self, planned: Planned, phase: Phase, command: Sequence[str]) -> Planned:
        """The container of the command: the service's, without its place among siblings. Volumes of a service that keeps data are
        its own: two programs in them would destroy them."""
        service = replace(planned.service, restart=RestartPolicy.NEVER, command=None, entrypoint=command)
        labels = {key: value for key, value in planned.spec.labels.items() if key != MADE_FOR}
        spec = replace(
            planned.spec,
            name=self._names.command(phase, service.name, self._launch.deployment),
            labels=labels | {DEPLOYMENT: self._launch.deployment, COMMAND: phase.value},
            networks={} if planned.spec.network_of else {self._launch.network: ()},
            command=None,
            entrypoint=command,
            mounts=() if planned.durable else planned.spec.mounts,
            restart=RestartPolicy.NEVER,
            port=None,
        )
        spec = replace(spec, labels={**spec.labels, FINGERPRINT: fingerprint(service, spec)})
        return replace(planned, service=replace(service, name=f"{service.name}.{phase}"), spec=spec)

    async def _ended(self, one_off: Planned, phase: Phase) -> None:
        began, interval = time.monotonic(), FIRST_INTERVAL_SECONDS
        while True:
            container = await self._runtime.get(one_off.spec.name)
            if container is None:
                raise await self._failed(one_off, phase, "was removed by somebody else")
            if container.state.over:
                if has_succeeded(container):
                    return
                killed = " for want of memory" if container.oom_killed else ""
                raise await self._failed(one_off, phase, f"ended with code {container.exit_code}{killed}")
            if time.monotonic() - began > LONGEST_SECONDS:
                raise await self._failed(one_off, phase, f"has not ended after {LONGEST_SECONDS:g} s")
            await asyncio.sleep(interval)
            interval = min(interval * 1.5, LONGEST_INTERVAL_SECONDS)

    async def _failed(self, one_off: Planned, phase: Phase, how: str) -> AgentError:
        lines = self._runtime.logs(one_off.spec.name, follow=False, tail=TAIL_LINES)
        tail = [line.text[:2_000] async for line in lines]
        service, said = one_off.service.name.rpartition(".")[0], decisive(tail)
        text = f"{phase} of {service} {how}" + (f": {said}" if said else "")
        return ERRORS[phase](text, service=service, log_tail=tail, said=said)


def has_succeeded(container: Container) -> bool:
    """Whether a command has ended with 0."""
    return container.state is ContainerState.EXITED and container.exit_code == 0


def keeps_data(launch: Launch) -> bool:
    """Whether anything of its data outlives the deployment."""
    return bool(launch.volumes()) or any(planned.durable for planned in launch.services)


def waits_for(launch: Launch, planned: Planned) -> list[str]:
    """Every service with data, whose health the commands of `planned` wait for, but for those that come after it."""
    after = {planned.service.name}
    for other in launch.services:  # dependencies come first
        if after & {*other.service.comes_after, *other.service.wait_for_exit}:
            after.add(other.service.name)
    return [
        other.service.name
        for other in launch.services
        if (other.durable or other.service.kind.keeps_data) and other.service.name not in after
    ]


async def half_seeded(runtime: Runtime, names: Names, launch: Launch) -> list[str]:
    """The services of the launch whose seed has begun and not ended, and does not go on."""
    marks, half = Marks(runtime, names), []
    declared = {planned.service.name for planned in launch.services if planned.service.seed}
    for service in sorted(
        declared & await marks.about(BEGUN) - await marks.about(SEEDED) if declared else ()
    ):
        container = await runtime.get(names.command(Phase.SEED, service, launch.deployment))
        if container is None or not (container.state.up or has_succeeded(container)):
            half.append(service)
    return half


async def empty(runtime: Runtime, agent: str, environment: str, *, keep_generation: bool = False) -> None:
    """Remove the environment's containers and its volumes: all of its data, and what is known of it. Safe to repeat."""
    labels = owned_by(agent, environment)
    containers = await runtime.list_containers(labels)
    await asyncio.gather(*(runtime.remove(container.name) for container in containers))
    for volume, about in (await runtime.list_volumes(labels)).items():
        if not (keep_generation and GENERATION in about):
            await runtime.remove_volume(volume)
