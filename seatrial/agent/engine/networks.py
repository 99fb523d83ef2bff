"""Networks of the engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiodocker.networks import DockerNetwork

from seatrial.agent.engine.connection import Connection
from seatrial.agent.engine.shapes import label_filter
from seatrial.agent.vocabulary.errors import EngineRefused, Refusal

INTERFACE_OPTION = "com.docker.network.bridge.name"


@dataclass(frozen=True)
class Network:
    """One network as it is. `interface` is what it is called on the host, if it is a bridge."""

    driver: str
    labels: Mapping[str, str]
    interface: str


class Networks:
    """See the room's contract. An engine allows two networks of one name, so callers must check before they create one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _named(self, name: str) -> DockerNetwork:
        return DockerNetwork(self._connection.api, name)  # type: ignore[no-untyped-call]

    async def create(self, name: str, labels: Mapping[str, str], interface: str) -> None:
        """Create a bridge, called `interface` on the host. A no-op if a network of the name exists."""
        config = {
            "Name": name, "Driver": "bridge", "CheckDuplicate": True, "Labels": dict(labels),
            "Options": {INTERFACE_OPTION: interface},
        }  # fmt: skip
        try:
            with self._connection.calls():
                await self._connection.api.networks.create(config)
        except EngineRefused as error:
            if error.status != 409:
                raise

    async def join(self, name: str, container: str, aliases: Sequence[str]) -> None:
        """Join a container to the network."""
        body = {"Container": container, "EndpointConfig": {"Aliases": list(aliases)}}
        try:
            with self._connection.calls():
                await self._named(name).connect(body)
        except EngineRefused as error:
            if error.refusal is not Refusal.ALREADY_JOINED:
                raise

    async def leave(self, name: str, container: str) -> None:
        """Disconnect a container from the network, even if the network itself is gone."""
        with self._connection.calls():
            await self._named(name).disconnect({"Container": container, "Force": True})

    async def list(
        self, labels: Mapping[str, str], *, name: str | None = None
    ) -> dict[str, Mapping[str, str]]:
        """{name: labels} of all networks that carry every one of `labels`, or only of the network called `name`."""
        filters = label_filter(labels) | ({"name": [f"^{name}$"]} if name else {})
        with self._connection.calls():
            networks = await self._connection.api.networks.list(filters=filters)
        return {network["Name"]: network["Labels"] or {} for network in networks}

    async def get(self, name: str) -> Network | None:
        """The network as it is now; None if there is none of this name."""
        try:
            with self._connection.calls():
                shown = await self._named(name).show()
        except EngineRefused as error:
            if error.absent:
                return None
            raise
        options = shown.get("Options") or {}
        interface = options.get(INTERFACE_OPTION) or f"br-{shown['Id'][:12]}"
        return Network(shown["Driver"], shown.get("Labels") or {}, interface)

    async def remove(self, name: str) -> None:
        """Remove the network, after disconnecting the containers that are still joined to it."""
        try:
            with self._connection.calls():
                network = self._named(name)
                shown = await network.show()
                for container in shown.get("Containers") or {}:
                    await network.disconnect({"Container": container, "Force": True})
                await network.delete()
        except EngineRefused as error:
            if not error.absent:
                raise
