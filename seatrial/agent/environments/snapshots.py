"""Snapshots: copies of an environment's volumes that outlive it, and that new environments are cloned from.

On the host a snapshot is like an environment of its own id that has only volumes, so whatever removes what nobody desires
removes snapshots, too. One empty volume, made last, says that it is whole.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from seatrial.agent.environments import duplicate
from seatrial.agent.environments.data import SEEDED, Marks, empty, has_succeeded
from seatrial.agent.environments.names import Names, owned_by
from seatrial.agent.runtime.base import Runtime
from seatrial.agent.vocabulary.containers import (
    Container,
    ContainerSpec,
    ContainerState,
    Mount,
    Resources,
    RestartPolicy,
)
from seatrial.agent.vocabulary.errors import AgentError, NeedsEngine, StartError
from seatrial.agent.vocabulary.labels import FINGERPRINT, GENERATION, MARK, SNAPSHOT, VOLUME
from seatrial.wire.envelope import new_id

CopyImage = Callable[[], Awaitable[str]]  # the name of an image with Python, which is on the host then
PROGRAM = Path(duplicate.__file__).read_text()
COPIER = Resources(cpus=1, memory_mb=256)
LONGEST_COPY_SECONDS, LOOK_SECONDS = 900.0, 0.05
WHOLE, CLONING, CLONED = "whole", "cloning", "cloned"  # what marks say
TEMPLATE = "template"  # what the marks of a clone are about
REFLINKED = "galley.reflinked"
SEEDED_SERVICES = "galley.seeded"
BETWEEN = "/"  # no service's name has one


@dataclass(frozen=True)
class Saved:
    """A snapshot that is whole: its volumes by the names that recipes know, and the services whose seed is in them."""

    volumes: Mapping[str, str]
    seeded: tuple[str, ...]
    reflinked: bool


class Snapshots:
    """The snapshots of one agent. `image` None: this host has nothing to copy volumes with."""

    def __init__(self, runtime: Runtime, image: CopyImage | None) -> None:
        self._runtime = runtime
        self._image = image

    async def find(self, agent: str, snapshot: str) -> Saved | None:
        """The snapshot; None if it is not here, or not whole."""
        listed = await self._runtime.list_volumes(owned_by(agent, snapshot))
        whole = next((labels for labels in listed.values() if labels.get(MARK) == WHOLE), None)
        if whole is None:
            return None
        volumes = {labels[VOLUME]: name for name, labels in listed.items() if VOLUME in labels}
        seeded = tuple(filter(None, whole.get(SEEDED_SERVICES, "").split(BETWEEN)))
        return Saved(volumes, seeded, whole.get(REFLINKED) == "true")

    async def save(self, names: Names, snapshot: str, containers: Iterable[Container]) -> Saved:
        """Copy the environment's volumes while `containers`, all of its own, are paused. Idempotent. Raises AgentError."""
        if (known := await self.find(names.agent, snapshot)) is not None:
            return known
        await empty(self._runtime, names.agent, snapshot)  # what an earlier try has left
        volumes = await data_volumes(self._runtime, names)
        if not volumes:
            raise AgentError("the preview has no volumes: there is no data to save")
        running = [one.name for one in containers if one.state is ContainerState.RUNNING]
        try:
            await asyncio.gather(*map(self._runtime.pause, running))
            return await self._copied(names, snapshot, volumes)
        finally:
            await asyncio.gather(*map(self._runtime.unpause, running))

    async def _copied(self, names: Names, snapshot: str, volumes: Mapping[str, str]) -> Saved:
        labels = Names(names.agent, snapshot, names.name, names.workspace).labels() | {SNAPSHOT: snapshot}
        seeded = sorted(await Marks(self._runtime, names).about(SEEDED))
        copies = {name: f"galley-snapshot-{snapshot.lower()}-{name}" for name in volumes}
        shared = [
            await self._copy(volume, copies[name], labels | {VOLUME: name})
            for name, volume in volumes.items()
        ]
        told = {MARK: WHOLE, REFLINKED: str(all(shared)).lower(), SEEDED_SERVICES: BETWEEN.join(seeded)}
        await self._runtime.ensure_volume(f"galley.snapshot-{snapshot.lower()}", labels | told)
        return Saved(copies, tuple(seeded), all(shared))

    async def clone(self, names: Names, saved: Saved) -> bool:
        """Copy the snapshot into the environment, which has no volumes; whether the bytes are shared. The mark `cloned` comes last."""
        marks = Marks(self._runtime, names)
        await marks.set(CLONING, TEMPLATE)
        shared = [
            await self._copy(volume, names.volume(name), names.labels())
            for name, volume in saved.volumes.items()
        ]
        for service in saved.seeded:
            await marks.set(SEEDED, service)
        await marks.set(CLONED, TEMPLATE)
        return all(shared)

    async def _copy(self, source: str, target: str, labels: Mapping[str, str]) -> bool:
        """Whether the bytes are shared. A container of another name each time: what a killed agent left is removed with the rest."""
        if self._image is None:
            raise NeedsEngine("volumes are copied by a container, and this agent has no container engine")
        await self._runtime.ensure_volume(target, labels)
        own = {name: value for name, value in labels.items() if name != VOLUME}
        spec = ContainerSpec(
            name=f"galley.copy-{new_id().lower()}",
            image=await self._image(),
            labels=own | {FINGERPRINT: target},
            networks={},
            entrypoint=("python3", "-B", "-c", PROGRAM, "/from", "/to"),
            mounts=(Mount(source, "/from", read_only=True), Mount(target, "/to")),
            user="0",
            resources=COPIER,
            restart=RestartPolicy.NEVER,
        )
        try:
            await self._runtime.start(spec)
            return await self._said(spec) == "reflinked"
        finally:
            await self._runtime.remove(spec.name)

    async def _said(self, spec: ContainerSpec) -> str:
        async with asyncio.timeout(LONGEST_COPY_SECONDS):
            while (container := await self._runtime.get(spec.name)) is not None and not container.state.over:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_SECONDS)
        lines = [line.text async for line in self._runtime.logs(spec.name, follow=False, tail=5)]
        last = lines[-1] if lines else ""
        if container is None or not has_succeeded(container):
            raise StartError(f"a volume cannot be copied: {last or 'its container was removed'}")
        return last


async def data_volumes(runtime: Runtime, names: Names) -> dict[str, str]:
    """{name in recipes: name on the host} of the environment's volumes, without marks."""
    listed = await runtime.list_volumes(owned_by(names.agent, names.environment))
    prefix = names.volume("")
    return {
        name.removeprefix(prefix): name
        for name, labels in sorted(listed.items())
        if name.startswith(prefix) and MARK not in labels and GENERATION not in labels
    }


async def is_begun(runtime: Runtime, names: Names) -> bool:
    """Whether the environment has data that is not the half of a copy."""
    marks = Marks(runtime, names)
    if await marks.about(CLONING) and not await marks.about(CLONED):
        return False
    return bool(await data_volumes(runtime, names))
