"""Networks and volumes."""

from collections.abc import Mapping, Sequence

import aiodocker

from seatrial.agent.engine.connection import Engine
from seatrial.agent.runtime.docker.fence import INTERFACE_OPTION, Fence, interface
from seatrial.agent.runtime.docker.shapes import label_filter
from seatrial.agent.vocabulary.errors import StartError
from seatrial.agent.vocabulary.whole import whole

_POOL_EMPTY = "available, non-overlapping IPv4 address pool"


class Networks:
    """The network and volume part of `Runtime`."""

    engine: Engine
    fence: Fence

    @whole
    async def ensure_network(self, name: str, labels: Mapping[str, str]) -> None:
        """See Runtime. Engines allow two networks of one name, so the lookup comes first."""
        await self.fence.stand()
        if name in await self.list_networks(labels, name=name):
            return
        config = {
            "Name": name, "Driver": "bridge", "CheckDuplicate": True, "Labels": dict(labels),
            "Options": {INTERFACE_OPTION: interface(name)},
        }  # fmt: skip
        try:
            with self.engine.calls():
                await self.engine.api.networks.create(config)
        except aiodocker.DockerError as error:
            if error.status == 409:
                return
            raise StartError(_network_problem(name, error.message)) from error

    @whole
    async def connect(self, container: str, network: str, aliases: Sequence[str]) -> None:
        """See Runtime."""
        body = {"Container": container, "EndpointConfig": {"Aliases": list(aliases)}}
        try:
            with self.engine.calls():
                found = await self.engine.api.containers.get(container)
                if network not in (found["NetworkSettings"]["Networks"] or {}):
                    await (await self.engine.api.networks.get(network)).connect(body)
        except aiodocker.DockerError as error:
            if "already exists in network" in error.message:
                return
            raise StartError(f"cannot join {container} to {network}: {error.message}") from error

    async def list_networks(
        self, labels: Mapping[str, str], *, name: str | None = None
    ) -> dict[str, Mapping[str, str]]:
        """See Runtime."""
        filters = label_filter(labels) | ({"name": [f"^{name}$"]} if name else {})
        with self.engine.calls():
            found = await self.engine.api.networks.list(filters=filters)
        return {network["Name"]: network["Labels"] or {} for network in found}

    async def remove_network(self, name: str) -> None:
        """See Runtime. Whatever still hangs on it (a service that keeps data) is taken off first."""
        try:
            with self.engine.calls():
                network = await self.engine.api.networks.get(name)
                shown = await network.show()
                for container in shown.get("Containers") or {}:
                    await network.disconnect({"Container": container, "Force": True})
                await network.delete()
        except aiodocker.DockerError as error:
            if error.status != 404:
                raise StartError(f"cannot remove network {name}: {error.message}") from error

    @whole
    async def ensure_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """See Runtime."""
        try:
            with self.engine.calls():
                body = {"Name": name, "Labels": dict(labels)}
                await self.engine.api.volumes.create(body)  # type: ignore[no-untyped-call]
        except aiodocker.DockerError as error:
            raise StartError(f"cannot make volume {name}: {error.message}") from error

    async def list_volumes(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """See Runtime."""
        with self.engine.calls():
            volumes = self.engine.api.volumes
            found = await volumes.list(filters=label_filter(labels))  # type: ignore[no-untyped-call]
        return {volume["Name"]: volume["Labels"] or {} for volume in found["Volumes"] or []}

    async def remove_volume(self, name: str) -> None:
        """See Runtime."""
        try:
            with self.engine.calls():
                volume = await self.engine.api.volumes.get(name)  # type: ignore[no-untyped-call]
                await volume.delete()
        except aiodocker.DockerError as error:
            if error.status != 404:
                raise StartError(f"cannot remove volume {name}: {error.message}") from error


def _network_problem(name: str, message: str) -> str:
    if _POOL_EMPTY in message:
        return (
            f"cannot make network {name}: the engine has no free subnet left. Close previews that are not "
            'needed, or add "default-address-pools": [{"base": "10.213.0.0/16", "size": 26}] to '
            "/etc/docker/daemon.json and restart the engine"
        )
    return f"cannot make network {name}: {message}"
