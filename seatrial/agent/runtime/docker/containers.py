"""Containers: started once per fingerprint, looked at, stopped, removed."""

import asyncio
import json
import re
from collections.abc import Mapping

import aiodocker
from aiodocker.networks import DockerNetwork

from seatrial.agent.engine.connection import Engine
from seatrial.agent.runtime.docker.shapes import container_config, container_from, label_filter
from seatrial.agent.vocabulary.containers import Container, ContainerSpec, ContainerState
from seatrial.agent.vocabulary.errors import StartError
from seatrial.agent.vocabulary.labels import FINGERPRINT, SERVICE
from seatrial.agent.vocabulary.whole import whole

REMOVAL_LOOKS = 300  # ten a second
_NETWORK_GONE = re.compile(r"network \S+ not found")


class Containers:
    """The container part of `Runtime`."""

    engine: Engine

    @whole
    async def start(self, spec: ContainerSpec) -> Container:
        """See Runtime. A container with another fingerprint goes first."""
        existing = await self.get(spec.name)
        if existing is not None:
            # One that never ran may lack its files: we died in between.
            whole = spec.files is None or existing.state is not ContainerState.CREATED
            if whole and existing.labels.get(FINGERPRINT) == spec.labels.get(FINGERPRINT):
                return await self._run(spec, existing)
            await self.remove(spec.name)
        await self._create(spec)
        return await self._run(spec, None)

    async def _create(self, spec: ContainerSpec) -> None:
        config = container_config(spec)
        try:
            with self.engine.calls():
                made = await self.engine.api.containers.create(config, name=spec.name)
                if spec.files:
                    async with spec.files.packed() as archive:
                        with archive.open("rb") as tar:
                            await made.put_archive("/", tar)  # type: ignore[no-untyped-call]
        except aiodocker.DockerError as error:
            raise StartError(
                f"cannot make container {spec.name}: {_reason(error, spec)}", service=_service(spec)
            ) from error

    async def _run(self, spec: ContainerSpec, existing: Container | None) -> Container:
        try:
            with self.engine.calls():
                if existing is None or not existing.state.up:
                    await self._awake(spec, existing)
                for network in list(spec.networks)[0 if existing else 1 :]:
                    await self._join(spec, network)
        except aiodocker.DockerError as error:
            raise StartError(
                f"cannot start container {spec.name}: {_reason(error, spec)}", service=_service(spec)
            ) from error
        started = await self.get(spec.name)
        if started is None:
            raise StartError(f"container {spec.name} went away while it started", service=_service(spec))
        return started

    async def _awake(self, spec: ContainerSpec, existing: Container | None) -> None:
        """Start it. One that slept while its networks went never starts by itself: it is taken off them first."""
        container = self.engine.api.containers.container(spec.name)
        try:
            await container.start()
        except aiodocker.DockerError as error:
            if existing is None or not _NETWORK_GONE.search(error.message):
                raise
            for network in existing.addresses:
                left = DockerNetwork(self.engine.api, network)  # type: ignore[no-untyped-call]  # not looked up: it is gone
                await left.disconnect({"Container": spec.name, "Force": True})
            for network in spec.networks:
                await self._join(spec, network)
            await container.start()

    async def _join(self, spec: ContainerSpec, network: str) -> None:
        body = {"Container": spec.name, "EndpointConfig": {"Aliases": list(spec.networks[network])}}
        try:
            await (await self.engine.api.networks.get(network)).connect(body)
        except aiodocker.DockerError as error:
            if "already exists in network" not in error.message:
                raise

    async def get(self, name: str) -> Container | None:
        """See Runtime."""
        try:
            with self.engine.calls():
                return container_from((await self.engine.api.containers.get(name))._container)
        except aiodocker.DockerError as error:
            if error.status == 404:
                return None
            raise StartError(f"cannot look at container {name}: {error.message}") from error

    async def list_containers(self, labels: Mapping[str, str]) -> list[Container]:
        """See Runtime."""
        with self.engine.calls():
            found = await self.engine.api.containers.list(all=True, filters=json.dumps(label_filter(labels)))
        containers = [await self.get(container.id) for container in found]
        return [container for container in containers if container is not None]

    async def stop(self, name: str, grace_seconds: float) -> None:
        """See Runtime."""
        try:
            with self.engine.calls():
                await self.engine.api.containers.container(name).stop(t=max(0, round(grace_seconds)))
        except aiodocker.DockerError as error:
            if error.status not in {304, 404}:
                raise StartError(f"cannot stop container {name}: {error.message}") from error

    async def remove(self, name: str) -> None:
        """See Runtime."""
        try:
            with self.engine.calls():
                await self.engine.api.containers.container(name).delete(force=True, v=True)
        except aiodocker.DockerError as error:
            if "already in progress" in error.message:
                await self._gone(name)
            elif error.status != 404:
                raise StartError(f"cannot remove container {name}: {error.message}") from error

    async def _gone(self, name: str) -> None:
        """Wait for a removal that somebody else began: until its end the name is taken."""
        for _ in range(REMOVAL_LOOKS):
            if await self.get(name) is None:
                return
            await asyncio.sleep(0.1)
        raise StartError(f"cannot remove container {name}: the engine began to, and does not end")


def _service(spec: ContainerSpec) -> str:
    return spec.labels.get(SERVICE, "")


def _reason(error: aiodocker.DockerError, spec: ContainerSpec) -> str:
    if error.status == 404 and "No such image" in error.message:
        return f"image {spec.image} is not on the host"
    if "executable file not found" in error.message or "no such file or directory" in error.message:
        command = " ".join([*(spec.entrypoint or []), *(spec.command or [])]) or "the image's command"
        return f"{command!r} cannot be run inside {spec.image}: {error.message}"
    return error.message
