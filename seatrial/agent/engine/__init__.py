"""Docker's API, all of it: typed calls, and one translation of its errors into ours. Only this room knows aiodocker.

Every call raises RuntimeUnavailable when the engine does not answer, and EngineRefused when it answers no. A call
whose wish is granted already (remove what is gone, join what is joined) succeeds. Calls may run together. Cancelling
one takes nothing back: an engine does what it was asked whether or not anybody waits; who must know how it ended
makes the call `whole`. Nothing is tried again here.
"""

from dataclasses import dataclass

from seatrial.agent.engine.connection import Connection
from seatrial.agent.engine.containers import Containers
from seatrial.agent.engine.images import Images
from seatrial.agent.engine.networks import Networks
from seatrial.agent.engine.shapes import GVISOR
from seatrial.agent.engine.streams import Streams
from seatrial.agent.engine.volumes import Volumes


@dataclass(frozen=True)
class Machine:
    """What the engine's host offers to containers."""

    cpus: int
    gvisor: bool


class Engine:
    """One Docker Engine, by the kinds of things it has. Connects when it is first asked something."""

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
        """As it is now: runtimes come and go with the engine's configuration."""
        with self._connection.calls():
            info = await self._connection.api.system.info()
        return Machine(int(info.get("NCPU", 1)), GVISOR in (info.get("Runtimes") or {}))

    async def close(self) -> None:
        """Close the connections to the engine."""
        await self._connection.close()
