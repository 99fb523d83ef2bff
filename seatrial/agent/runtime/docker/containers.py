"""Starts containers once per fingerprint, inspects, stops and removes them."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from seatrial.agent.engine import Engine
from seatrial.agent.runtime.docker.mounts import may_move, refused_mount
from seatrial.agent.vocabulary.containers import Container, ContainerSpec, ContainerState, shares
from seatrial.agent.vocabulary.errors import EngineRefused, Refusal, StartError
from seatrial.agent.vocabulary.labels import FINGERPRINT, SERVICE
from seatrial.agent.vocabulary.whole import whole
from seatrial.wire.states import Isolation

LIMIT = re.compile(r"rlimit type (\d+)")
LIMITS = dict(
    enumerate(("cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile", "memlock"))
)  # the kernel's numbers
REMOVAL_LOOKS = 300  # ten a second
# The engine's runtime gives up freezing a busy container after a fraction of a second, and lets it go on.
FREEZE_WAITS_SECONDS = (0.1, 0.3, 1.0, 3.0)


class Containers:
    """The container part of `Runtime`."""

    engine: Engine

    @whole
    async def start(self, spec: ContainerSpec) -> Container:
        """See Runtime. An existing container with another fingerprint is removed first."""
        existing = await self.get(spec.name)
        if existing is not None:
            if _usable(existing, spec):
                return await self._run(spec, existing)
            await self.remove(spec.name)
        await self._create(spec)
        return await self._run(spec, None)

    async def _create(self, spec: ContainerSpec) -> None:
        try:
            await self.engine.containers.create(spec)
            if spec.files:
                async with spec.files.packed() as archive:
                    await self.engine.containers.unpack(spec.name, archive)
        except EngineRefused as error:
            raise _cannot("made", error, spec) from error

    async def _run(self, spec: ContainerSpec, existing: Container | None) -> Container:
        try:
            if existing is None or not existing.stays_down:
                await self._keep_mounts_in_place(spec)
            if existing is None or not existing.state.up:
                await self._awake(spec, existing)
            for network in list(spec.networks)[0 if existing else 1 :]:
                await self._join(spec, network)
        except EngineRefused as error:
            raise _cannot("started", error, spec) from error
        started = await self.get(spec.name)
        if started is None:
            raise StartError(f"container {spec.name} disappeared while it started", service=_service(spec))
        return started

    def left_out(self, spec: ContainerSpec) -> list[str]:
        """See Runtime."""
        lacks = {
            "hostname (it has that of the network it shares)": spec.network_of and spec.options.hostname,
            "sysctls (gVisor has a kernel of its own)": spec.isolation is Isolation.GVISOR
            and spec.options.sysctls,
        }
        return [name for name, asked in lacks.items() if asked]

    async def _awake(self, spec: ContainerSpec, existing: Container | None) -> None:
        """Start the container, or let it go on if it is paused. It could not start if networks it joined were removed, so it is disconnected from them first."""
        if existing is not None and existing.state is ContainerState.PAUSED:
            await self.engine.containers.unpause(spec.name)
            return
        await self._check_mounts(spec)
        try:
            await self.engine.containers.start(spec.name)
        except EngineRefused as error:
            if existing is None or error.refusal is not Refusal.NETWORK_GONE:
                raise
            for network in existing.addresses:
                await self.engine.networks.leave(network, spec.name)
            for network in spec.networks:
                await self._join(spec, network)
            await self.engine.containers.start(spec.name)

    async def _keep_mounts_in_place(self, spec: ContainerSpec) -> None:
        """The engine looks nowhere before it starts a container again: it does so only where no mount can have moved."""
        targets = await self.engine.containers.mount_targets(spec.name)
        if await may_move(targets, partial(self.engine.containers.link, spec.name)):
            await self.engine.containers.keep_down(spec.name)

    async def _check_mounts(self, spec: ContainerSpec) -> None:
        """Before every start: files of the recipe, and what ran before, may have brought further links."""
        targets = await self.engine.containers.mount_targets(spec.name)
        shared = [mount.path for mount in spec.mounts if mount.shared]
        why = await refused_mount(targets, partial(self.engine.containers.link, spec.name), shared)
        if why:
            raise StartError(f"{spec.image} cannot be run: {why}", service=_service(spec))

    async def _join(self, spec: ContainerSpec, network: str) -> None:
        await self.engine.networks.join(network, spec.name, spec.networks[network])

    async def get(self, name: str) -> Container | None:
        """See Runtime."""
        try:
            found = await self.engine.containers.get(name)
            if found is None or found.network_of is None:
                return found
            return _within(found, await self.engine.containers.get(found.network_of))
        except EngineRefused as error:
            raise StartError(f"cannot look at container {name}: {error}") from error

    async def list_containers(self, labels: Mapping[str, str]) -> list[Container]:
        """See Runtime."""
        containers = [await self.get(container) for container in await self.engine.containers.ids(labels)]
        return [container for container in containers if container is not None]

    async def stop(self, name: str, grace_seconds: float) -> None:
        """See Runtime."""
        try:
            await self.engine.containers.stop(name, grace_seconds)
        except EngineRefused as error:
            raise StartError(f"cannot stop container {name}: {error}") from error

    async def pause(self, name: str) -> None:
        """See Runtime."""
        try:
            for wait in FREEZE_WAITS_SECONDS:
                if await self._frozen(name):
                    return
                await asyncio.sleep(wait)
            await self._freeze(name)
        except EngineRefused as error:
            raise StartError(f"cannot pause container {name}: {error}") from error

    async def _frozen(self, name: str) -> bool:
        try:
            await self._freeze(name)
        except EngineRefused as error:
            if error.refusal is not Refusal.NOT_FROZEN:
                raise
            return False
        return True

    async def _freeze(self, name: str) -> None:
        if await self._is(name, ContainerState.RUNNING):
            await self.engine.containers.pause(name)

    async def unpause(self, name: str) -> None:
        """See Runtime."""
        try:
            if await self._is(name, ContainerState.PAUSED):
                await self.engine.containers.unpause(name)
        except EngineRefused as error:
            raise StartError(f"cannot let container {name} go on: {error}") from error

    async def _is(self, name: str, state: ContainerState) -> bool:
        found = await self.engine.containers.get(name)
        return found is not None and found.state is state

    async def remove(self, name: str) -> None:
        """See Runtime."""
        try:
            await self.engine.containers.remove(name)
        except EngineRefused as error:
            if error.refusal is not Refusal.BEING_REMOVED:
                raise StartError(f"cannot remove container {name}: {error}") from error
            await self._gone(name)

    async def _gone(self, name: str) -> None:
        """Wait for a removal that somebody else started: until it ends, the name is taken."""
        for _ in range(REMOVAL_LOOKS):
            if await self.get(name) is None:
                return
            await asyncio.sleep(0.1)
        raise StartError(
            f"cannot remove container {name}: the engine began to remove it, but has not finished"
        )


def _usable(existing: Container, spec: ContainerSpec) -> bool:
    """Whether it is what `spec` asks for. One that never ran may lack its files, if the agent died in between."""
    whole = spec.files is None or existing.state is not ContainerState.CREATED
    connected = spec.network_of is None or bool(existing.addresses)
    return whole and connected and existing.labels.get(FINGERPRINT) == spec.labels.get(FINGERPRINT)


def _within(container: Container, host: Container | None) -> Container:
    """`container`, which runs in the network of `host`, with its name and addresses; none if that began again since."""
    if host is None:
        return container
    shared = host.addresses if shares(container, host) else {}
    return replace(container, network_of=host.name, addresses=shared)


def _service(spec: ContainerSpec) -> str:
    return spec.labels.get(SERVICE, "")


def _cannot(done: str, error: EngineRefused, spec: ContainerSpec) -> StartError:
    service = _service(spec)
    told = f"{service or spec.name} cannot be {done}: {_reason(error, spec)}"
    return StartError(told, service=service, said=error.said)


def _reason(error: EngineRefused, spec: ContainerSpec) -> str:
    if error.refusal is Refusal.NO_IMAGE:
        return f"image {spec.image} is not on the host"
    if error.refusal is Refusal.NO_INIT:
        return "the engine's host has no docker-init. Install the package tini, or remove init: true"
    if error.refusal is Refusal.NO_LIMIT:
        number = LIMIT.search(error.said)
        asked = LIMITS.get(int(number[1]), "a limit") if number else "a limit"
        return f"ulimits: {asked} is more than the engine of this host may give. Lower it, or remove it"
    command = " ".join([*(spec.entrypoint or []), *(spec.command or [])]) or "the image's command"
    if error.refusal is Refusal.NO_PROGRAM:
        fix = "Install the program in the image, or correct the command"
        return f"{command!r} cannot be run in its image: {error}. {fix}"
    if error.refusal is Refusal.NOT_EXECUTABLE:
        fix = "Make the file executable: git update-index --chmod=+x, or RUN chmod +x in the Dockerfile"
        return f"{command!r} cannot be run in its image: {error}. {fix}"
    return str(error)
