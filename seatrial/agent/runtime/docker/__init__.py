"""Services in containers of a Docker Engine (API 1.41 and later)."""

from seatrial.agent.runtime.docker.checks import Checks
from seatrial.agent.runtime.docker.containers import Containers
from seatrial.agent.runtime.docker.engine import Engine
from seatrial.agent.runtime.docker.fence import Fence
from seatrial.agent.runtime.docker.images import Images
from seatrial.agent.runtime.docker.networks import Networks
from seatrial.agent.runtime.docker.streams import Streams
from seatrial.wire.states import Isolation

__all__ = ["DockerRuntime", "Engine", "Fence"]


class DockerRuntime(Networks, Images, Containers, Checks, Streams):
    """`Runtime` over one Docker Engine. See the contract in `seatrial.agent.runtime.base`."""

    name = "docker"

    def __init__(self, engine: Engine, fence: Fence | None = None) -> None:
        self.engine = engine
        self.fence = fence or Fence(wanted=False)

    async def ping(self) -> None:
        """See Runtime."""
        with self.engine.calls():
            await self.engine.api.version()

    async def isolation(self) -> Isolation:
        """See Runtime."""
        with self.engine.calls():
            info = await self.engine.api.system.info()
        return Isolation.GVISOR if "runsc" in (info.get("Runtimes") or {}) else Isolation.CONTAINER

    async def close(self) -> None:
        """Close the connections to the engine."""
        await self.engine.close()
