"""Services in containers of a Docker Engine (API 1.41 and later)."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from seatrial.agent.engine import Engine
from seatrial.agent.runtime.docker.checks import Checks
from seatrial.agent.runtime.docker.containers import Containers
from seatrial.agent.runtime.docker.fence import PreviewFence
from seatrial.agent.runtime.docker.images import Images
from seatrial.agent.runtime.docker.networks import Networks
from seatrial.agent.vocabulary.containers import Change
from seatrial.agent.vocabulary.disk import Disk, Holding
from seatrial.agent.vocabulary.errors import EngineRefused
from seatrial.wire.logs import LogLine
from seatrial.wire.words import RuntimeKind

WITHOUT_GVISOR = (
    "gVisor is not registered with Docker for previews, as runsc-previews with --network=host. Its operator does that: "
    "sudo runsc install --runtime=runsc-previews -- --network=host, and reloads Docker (kill -HUP)"
)

LARGE_BYTES = 64 * 1024**2  # files that hold less are not looked for
__all__ = ["DockerRuntime", "PreviewFence"]


class DockerRuntime(Networks, Images, Containers, Checks):
    """`Runtime` over one Docker Engine. See the contract in `seatrial.agent.runtime.base`."""

    name = RuntimeKind.DOCKER

    def __init__(self, engine: Engine, fence: PreviewFence | None = None) -> None:
        self.engine = engine
        self.fence = fence or PreviewFence(wanted=False)
        self.late = {}

    async def ping(self) -> None:
        """See Runtime. After an outage of the engine, its host may have restarted and lost its firewall rules."""
        await self.engine.ping()
        await self.keep_fence()

    @property
    def warnings(self) -> Sequence[str]:
        """See Runtime."""
        return self.fence.warnings

    async def uncontained(self) -> str:
        """See Runtime."""
        return "" if (await self.engine.machine()).gvisor_for_previews else WITHOUT_GVISOR

    async def unlimited(self) -> str:
        """See Runtime."""
        await self.keep_fence()
        return self.fence.gap

    async def disk(self, labels: Mapping[str, str]) -> Disk:
        """See Runtime."""
        disk = await self.engine.disk(labels)
        return replace(disk, holdings=tuple([await self._found(one) for one in disk.holdings]))

    async def _found(self, holding: Holding) -> Holding:
        """With its folder, if it is the files of a container that hold much."""
        if not holding.container or holding.bytes < LARGE_BYTES:
            return holding
        try:
            return replace(holding, folder=await self.engine.containers.written(holding.container))
        except EngineRefused:
            return holding  # it went meanwhile

    def logs(
        self, name: str, *, follow: bool, tail: int | None = None, since: datetime | None = None
    ) -> AsyncIterator[LogLine]:
        """See Runtime."""
        return self.engine.streams.logs(name, follow=follow, tail=tail, since=since)

    def changes(self, labels: Mapping[str, str]) -> AsyncIterator[Change]:
        """See Runtime."""
        return self.engine.streams.changes(labels)

    async def close(self) -> None:
        """Close the connections to the engine."""
        await self.engine.close()
