"""Starts a launch: each service as soon as its dependencies are healthy."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from seatrial.agent.environments.data import DataCommands, waits_for
from seatrial.agent.environments.health import Watch
from seatrial.agent.environments.image_warnings import why_not_there
from seatrial.agent.environments.launch import Launch, Planned, supplanted
from seatrial.agent.environments.names import Names, owned_by
from seatrial.agent.environments.phases import Phases
from seatrial.agent.environments.ports import Well
from seatrial.agent.environments.removal import grace_seconds
from seatrial.agent.runtime.base import Runtime
from seatrial.agent.vocabulary.containers import Container, ContainerSpec, ContainerState
from seatrial.agent.vocabulary.egress import Egress
from seatrial.agent.vocabulary.errors import AgentError
from seatrial.agent.vocabulary.labels import EGRESS, FINGERPRINT
from seatrial.wire.deployments import ObservedService
from seatrial.wire.hostnames import labels
from seatrial.wire.words import Phase, ServiceState

Started = Callable[[Planned, Container], Awaitable[None]]


@dataclass(frozen=True)
class Launched:
    """A launch that came up: the address of each service, and warnings for people."""

    launch: Launch
    well: dict[str, Well]
    trouble: dict[str, ServiceState] = field(default_factory=dict)  # of what began again and is not well yet

    @property
    def warnings(self) -> list[str]:
        """Warnings of the recipe and of the start."""
        return [*self.launch.warnings, *(w.warning for w in self.well.values() if w.warning)]

    @property
    def notes(self) -> list[str]:
        """Notes of the recipe."""
        return list(self.launch.notes)

    def observed(self, name: str, containers: dict[str, Container]) -> list[ObservedService]:
        """Every service of the environment `name` as its container is now."""
        kinds = {planned.service.name: planned.service.kind for planned in self.launch.services}
        hosts = labels(name, kinds)
        return [
            self._one(planned, hosts.get(planned.service.name, []), containers.get(planned.spec.name))
            for planned in self.launch.services
        ]

    def _one(self, planned: Planned, hosts: list[str], container: Container | None) -> ObservedService:
        service = planned.service
        port = self.well[service.name].port if service.name in self.well else service.port
        if container is not None and container.port is not None:
            port = container.port  # the process runtime gives a new one at every start
        address = self._address(service.name, container)
        endpoint = f"{address}:{port}" if hosts and address and port else None
        return ObservedService(
            name=service.name,
            kind=service.kind,
            state=self._state(planned, container),
            labels=hosts,
            endpoint=endpoint,
            container=planned.spec.name,
            keeps_data=planned.durable,
        )

    def _address(self, service: str, container: Container | None) -> str | None:
        """While it is down for a moment, its last one: it usually comes back there, and the ingress waits for it."""
        if container is None:
            return None
        now = container.addresses.get(self.launch.network)
        if now or container.state is not ContainerState.RESTARTING or service not in self.well:
            return now
        return self.well[service].container.addresses.get(self.launch.network)

    def _state(self, planned: Planned, container: Container | None) -> ServiceState:
        if container is None:
            return ServiceState.MISSING
        if container.state is ContainerState.RUNNING:
            well = planned.service.name in self.well
            return self.trouble.get(
                planned.service.name, ServiceState.RUNNING if well else ServiceState.UNHEALTHY
            )
        restarting = container.state is ContainerState.RESTARTING
        return ServiceState.RESTARTING if restarting else ServiceState.EXITED


class Startup:
    """One launch coming up. Idempotent: a container that already runs with the same fingerprint is only checked.

    A `repair` restores a live deployment: it leaves containers as they are even if defaults or variables have changed
    (those take effect with the next deployment), runs no commands of the data, and the failure of one service does not end the others.
    """

    def __init__(
        self,
        runtime: Runtime,
        names: Names,
        launch: Launch,
        phases: Phases,
        on_started: Started,
        durable_lock: asyncio.Lock,
        *,
        repair: bool = False,
        replace_durable: bool = True,
    ) -> None:
        self._runtime = runtime
        self._names = names
        self._launch = launch
        self._phases = phases
        self._on_started = on_started
        self._durable_lock = durable_lock
        self._repair = repair
        self._replace_durable = replace_durable
        self._commands = DataCommands(runtime, names, launch, phases, on_started)
        self.launched = Launched(launch, {})
        self._well = {planned.service.name: asyncio.Event() for planned in launch.services}
        self._up = {planned.service.name: asyncio.Event() for planned in launch.services}
        self._restarts: dict[str, int] = {}  # earlier restarts of containers that keep running
        self._started = 0
        self._all_started = asyncio.Event()
        self._ready = asyncio.Event()

    async def run(self) -> Launched:
        """Bring everything up; the first failure cancels the rest, unless this is a repair. Raises AgentError."""
        tasks = [asyncio.create_task(self._one(p)) for p in self._launch.services]
        everything = asyncio.create_task(self._all(tasks))
        try:
            async with self._phases.phase(Phase.START):
                await self._ground()
                await _either(self._all_started, everything)
            async with self._phases.phase(Phase.HEALTH):
                await everything
        finally:
            for task in [*tasks, everything]:
                task.cancel()
            await asyncio.gather(*tasks, everything, return_exceptions=True)
        return self.launched

    async def _all(self, tasks: list[asyncio.Task[None]]) -> None:
        for outcome in await asyncio.gather(*tasks, return_exceptions=self._repair):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _ground(self) -> None:
        await lay_network(self._runtime, self._names, self._launch.deployment, self._launch.egress)
        for volume in sorted(self._launch.volumes()):
            await self._runtime.ensure_volume(volume, self._names.labels())
        self._ready.set()

    async def _one(self, planned: Planned) -> None:
        name = planned.service.name
        await self._ready.wait()
        try:
            for dependency in planned.service.comes_after:
                await self._awaited(planned, dependency).wait()
            for dependency in planned.service.wait_for_exit:
                await self._well[dependency].wait()
                await self._watch(dependency).until_ended()
            if not planned.durable:
                await self._run_commands(planned)
            container = await self._start(planned)
            await self._on_started(planned, container)
            self._up[name].set()
            self._started += 1
            if self._started == len(self._launch.services):
                self._all_started.set()
            self.launched.well[name] = await self._watch(name).until_well()
            if planned.durable:  # they reach it as its siblings do
                await self._run_commands(planned)
            self._well[name].set()
        except AgentError as error:
            if self._repair:
                # Its dependents ran with it before, so they do not wait for it.
                self._up[name].set()
                self._well[name].set()
            error.service = error.service or name
            error.add(await why_not_there(self._runtime, planned.service, planned.spec.image, error.said))
            raise

    async def _run_commands(self, planned: Planned) -> None:
        """Those of the data that the service declares, once every service with data is well."""
        if self._repair or not (planned.service.migrate or planned.service.seed):
            return
        for name in [] if planned.durable else waits_for(self._launch, planned):
            await self._well[name].wait()
        await self._commands.run(planned)

    def _awaited(self, planned: Planned, dependency: str) -> asyncio.Event:
        """What must have happened to `dependency`: it is well, but for one that gives its network and has no check of its own:
        what answers there may be the service that waits."""
        host = planned.service.network_of == dependency
        unchecked = host and self._launch.named(dependency).service.health is None
        return (self._up if unchecked else self._well)[dependency]

    def _watch(self, name: str) -> Watch:
        planned = self._launch.named(name)
        restarts, network = self._restarts.get(name, 0), self._launch.network
        return Watch(self._runtime, planned, network, restarts=restarts, start_again=self._start_again)

    async def _start_again(self, planned: Planned, ended: Container) -> Container:
        """One at a time: several services may wait for the end of one. With its own fingerprint, so that it stays what it is."""
        async with self._durable_lock:
            now = await self._runtime.get(ended.name)
            if now is not None and now.state.up:
                return now
            label = {FINGERPRINT: ended.labels.get(FINGERPRINT, "")}
            return await self._runtime.start(replace(planned.spec, labels={**planned.spec.labels, **label}))

    async def _start(self, planned: Planned) -> Container:
        if not planned.durable:
            return await self._made(planned, await self._runtime.get(planned.spec.name))
        async with self._durable_lock:
            return await self._start_durable(planned)

    async def _made(self, planned: Planned, present: Container | None) -> Container:
        """The running container. A one-shot service that has already succeeded is not run again."""
        spec = self._as_found(planned, present)
        if present is None:
            return await self._runtime.start(spec)
        same = present.labels.get(FINGERPRINT) == spec.labels[FINGERPRINT]
        if same and present.state.up:
            self._restarts[planned.service.name] = present.restarts
        done = present.state is ContainerState.EXITED and present.exit_code == 0
        if same and done and planned.one_shot and not planned.service.kind.routable:
            return present
        if planned.durable and not same:
            await self._runtime.stop(
                spec.name, grace_seconds(present)
            )  # so that the service writes its data from memory to disk
        return await self._runtime.start(spec)

    def _as_found(self, planned: Planned, present: Container | None) -> ContainerSpec:
        """In a repair, `planned` with the fingerprint of the existing container, so that it is left as it is."""
        spec = planned.spec
        if not self._repair or present is None or present.state is ContainerState.CREATED:
            return spec
        if (
            planned.durable
            and self._replace_durable
            and supplanted(present, planned, self._launch.deployment)
        ):
            return spec
        kept = present.labels.get(FINGERPRINT, spec.labels[FINGERPRINT])
        return replace(spec, labels={**spec.labels, FINGERPRINT: kept})

    async def _start_durable(self, planned: Planned) -> Container:
        """Start a service that keeps data. A replacement joins those networks of its predecessor that still exist."""
        name, aliases = planned.spec.name, planned.service.names
        before = await self._runtime.get(name)
        container = await self._made(planned, before)
        there = await self._runtime.list_networks(owned_by(self._names.agent, self._names.environment))
        for network in [self._launch.network, *(before.addresses if before else {})]:
            if network in there and network not in container.addresses:
                await self._runtime.connect(name, network, aliases)
        return await self._runtime.get(name) or container


async def lay_network(runtime: Runtime, names: Names, deployment: str, egress: Egress) -> None:
    """Make the deployment's network unless it exists. Raises AgentError."""
    labels = names.labels(deployment=deployment) | {EGRESS: egress.value}
    await runtime.ensure_network(names.network(deployment), labels)


async def _either(event: asyncio.Event, everything: asyncio.Future[None]) -> None:
    """Wait for `event`, or for `everything` to end. If `everything` fails, its error is raised."""
    waiting = asyncio.create_task(event.wait())
    both: list[asyncio.Future[Any]] = [waiting, everything]
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    if everything.done():
        everything.result()
