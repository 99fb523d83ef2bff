"""Docker's API, all of it: typed calls, and one translation of its errors into ours. Only this room knows aiodocker.

Every call raises RuntimeUnavailable if the engine does not answer, and EngineRefused if it rejects the request. Calls are
idempotent: removing what is gone or joining what is joined succeeds. Calls may run concurrently. Cancelling a call undoes
nothing: an engine completes a request even if nobody waits for it; a caller that must know the outcome makes the call
`whole`. Nothing is retried here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from seatrial.agent.engine.connection import Connection
from seatrial.agent.engine.containers import Containers
from seatrial.agent.engine.disk import disk_from
from seatrial.agent.engine.images import Images
from seatrial.agent.engine.networks import Networks
from seatrial.agent.engine.registries import Registries, registries_from
from seatrial.agent.engine.shapes import GVISOR, GVISOR_FOR_PREVIEWS
from seatrial.agent.engine.streams import Streams
from seatrial.agent.engine.volumes import Volumes
from seatrial.agent.vocabulary.disk import Disk


@dataclass(frozen=True)
class Machine:
    """What the engine's host offers to containers."""

    cpus: int
    gvisor: bool
    version: str = ""  # the engine's
    root: str = ""  # the folder on its host where it keeps images
    gvisor_networked: bool = (
        True  # as it is registered: whether containers under it have the network that they are given
    )
    gvisor_for_previews: bool = False  # registered a second time, in such a way that previews can run in it


class Engine:
    """One Docker Engine, with one attribute per kind of object. Connects on first use."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection = Connection(url)
        self.containers = Containers(self._connection)
        self.images = Images(self._connection)
        self.networks = Networks(self._connection)
        self.volumes = Volumes(self._connection)
        self.streams = Streams(self._connection)

    async def ping(self) -> None:
        """Returns when the engine answers."""
        with self._connection.calls():
            await self._connection.api.version()

    async def machine(self) -> Machine:
        """The host as it is now: the engine's runtimes change with its configuration."""
        with self._connection.calls():
            info = await self._connection.api.system.info()
        runtimes = info.get("Runtimes") or {}
        registered, second = runtimes.get(GVISOR), runtimes.get(GVISOR_FOR_PREVIEWS) or {}
        arguments = (registered or {}).get("runtimeArgs") or []
        return Machine(
            cpus=int(info.get("NCPU", 1)),
            gvisor=registered is not None,
            version=str(info.get("ServerVersion") or ""),
            root=str(info.get("DockerRootDir") or ""),
            gvisor_networked="--network=none" not in arguments,
            gvisor_for_previews="--network=host" in (second.get("runtimeArgs") or []),
        )

    async def disk(self, labels: Mapping[str, str]) -> Disk:
        """What its host's disk holds of it; one by one, of what carries every one of `labels`. It looks at every file of them."""
        async with self._connection.request("GET", "system/df", params={}) as answer:
            return disk_from(await answer.json(), labels)

    async def registries(self) -> Registries:
        """Its settings for registries as they are now."""
        with self._connection.calls():
            return registries_from(await self._connection.api.system.info())

    async def close(self) -> None:
        """Close the connections to the engine."""
        await self._connection.close()
