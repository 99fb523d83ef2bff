"""Services in containers of a Docker Engine (API 1.41 and later)."""

from collections.abc import Sequence

from seatrial.agent.engine.connection import Engine
from seatrial.agent.runtime.docker.checks import Checks
from seatrial.agent.runtime.docker.containers import Containers
from seatrial.agent.runtime.docker.fence import Fence
from seatrial.agent.runtime.docker.images import Images
from seatrial.agent.runtime.docker.networks import Networks
from seatrial.agent.runtime.docker.streams import Streams
from seatrial.wire.states import Isolation

__all__ = ["DockerRuntime", "Fence"]


class DockerRuntime(Networks, Images, Containers, Checks, Streams):
    """`Runtime` over one Docker Engine. See the contract in `seatrial.agent.runtime.base`."""

    name = "docker"

    def __init__(self, engine: Engine, fence: Fence | None = None) -> None:
        self.engine = engine
        self.fence = fence or Fence(wanted=False)
        self.late = {}

    async def ping(self) -> None:
        """See Runtime. An engine that is back may have come with its host, which has forgotten its firewall rules."""
        with self.engine.calls():
            await self.engine.api.version()
        await self.fence.stand()

    @property
    def warnings(self) -> Sequence[str]:
        """See Runtime."""
        return self.fence.warnings

    async def isolation(self) -> Isolation:
        """See Runtime."""
        with self.engine.calls():
            info = await self.engine.api.system.info()
        return Isolation.GVISOR if "runsc" in (info.get("Runtimes") or {}) else Isolation.CONTAINER

    async def close(self) -> None:
        """Close the connections to the engine."""
        await self.engine.close()
