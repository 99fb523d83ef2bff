"""Proves that the firewall's rules count: somebody in a preview's place knocks at the host, and nobody must hear it.

Rules may be up and yet not count: in another network namespace than the engine's, or behind a rule of the host's own that
lets everything in. An agent in a container cannot know it otherwise.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import structlog

from seatrial.agent.runtime.docker import DockerRuntime
from seatrial.agent.runtime.docker.fence import interface
from seatrial.agent.sandboxes.channel import SandboxError
from seatrial.agent.sandboxes.image import ImageSource
from seatrial.agent.vocabulary.containers import ContainerSpec, Resources, RestartPolicy
from seatrial.agent.vocabulary.errors import AgentError
from seatrial.agent.vocabulary.labels import AGENT, FINGERPRINT, MANAGED
from seatrial.agent.vocabulary.logs import quiet

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 3600.0  # the host's rules may change
RETRY_SECONDS = 30.0  # after an attempt that failed
KNOCK_SECONDS = 30.0
IN_A_CONTAINER = Path("/.dockerenv")  # an engine puts it there
REACHED, KEPT_OUT = 0, 7  # how somebody ends who has knocked
KNOCK = f"""
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
except OSError:
    sys.exit({KEPT_OUT})
"""
HEARD = (
    "previews can reach services on their host, although there are firewall rules against it: a rule of the host before them lets "
    "everything in, or the engine's networks are elsewhere. See docs/security.md"
)


def needed() -> bool:
    """Whether the rules may be in another place than those they are for: on a host, they are not."""
    return IN_A_CONTAINER.exists()


@dataclass
class Proof:
    """One agent's. Its network and container carry the agent's labels, and are removed however an attempt ends."""

    runtime: DockerRuntime
    image: ImageSource
    agent: str

    @property
    def name(self) -> str:
        """What network and container are called."""
        return f"galley-proof-{self.agent[-10:].lower()}"

    @property
    def labels(self) -> Mapping[str, str]:
        """What they carry."""
        return {MANAGED: "true", AGENT: self.agent, FINGERPRINT: "proof"}

    async def run(self) -> None:
        """Try at once, and now and then. Never ends by itself."""
        while True:
            pause = AGAIN_SECONDS
            try:
                heard = await self.heard()
                if heard:
                    log.warning(HEARD)
                self.runtime.fence.doubt = HEARD if heard else ""
            except (AgentError, SandboxError, OSError) as error:
                log.info("not tried whether the firewall rules count", problem=str(error))
                pause = RETRY_SECONDS
            await asyncio.sleep(pause)

    async def heard(self) -> bool:
        """Whether a container of a preview's network reaches its host. Raises AgentError, SandboxError or OSError."""
        image = await self.image.ensure(quiet)
        await self._remove()
        try:
            await self.runtime.ensure_network(self.name, self.labels)
            addresses = psutil.net_if_addrs().get(interface(self.name), [])
            gateway = next((one.address for one in addresses if one.family.name == "AF_INET"), "")
            if not gateway:  # `ensure_network` has said it
                return False
            async with listening() as (port, knocked):
                await self._knock(image, gateway, port)
                return knocked.is_set()
        finally:
            await self._remove()

    async def _knock(self, image: str, host: str, port: int) -> None:
        """Returns when somebody in the network has tried to connect. Raises OSError if it is unknown how that ended."""
        spec = ContainerSpec(
            name=self.name,
            image=image,
            labels=self.labels,
            networks={self.name: []},
            entrypoint=["python3", "-c", KNOCK, host, str(port)],
            command=[],
            resources=Resources(cpus=1.0, memory_mb=128, pids=50),
            restart=RestartPolicy.NEVER,
        )
        await self.runtime.start(spec)
        async with asyncio.timeout(KNOCK_SECONDS):
            async for _ in self.runtime.logs(self.name, follow=True):  # until it ends
                pass
        container = await self.runtime.get(self.name)
        if container is None or container.exit_code not in {REACHED, KEPT_OUT}:
            raise OSError("nobody could knock at the host")

    async def _remove(self) -> None:
        await self.runtime.remove(self.name)
        await self.runtime.remove_network(self.name)


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A port on all addresses of the host, and whether somebody has connected."""
    knocked = asyncio.Event()

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        knocked.set()
        writer.close()

    server = await asyncio.start_server(answer, "0.0.0.0", 0)  # noqa: S104  that is what previews must not reach
    async with server:
        yield int(server.sockets[0].getsockname()[1]), knocked
