"""Sandboxes that are containers: under gVisor where the engine knows it, visibly weaker where it does not."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any

import aiodocker
import aiohttp
import structlog
from aiodocker.containers import DockerContainer
from aiodocker.exceptions import DockerError
from aiodocker.stream import Stream

from seatrial.agent.sandboxes.channel import Sandbox, SandboxError
from seatrial.agent.sandboxes.image import SandboxImage
from seatrial.agent.vocabulary.errors import AgentError
from seatrial.agent.vocabulary.labels import AGENT, MANAGED
from seatrial.wire.envelope import new_id
from seatrial.wire.states import Isolation

log = structlog.get_logger(__name__)

SANDBOX_LABEL = "galley.sandbox"
NAME = "gitgrit-sandbox-"
STDOUT, STDERR = 1, 2
KEPT_ERRORS = 4_000
TMP = "rw,noexec,nosuid,nodev,size=64m,mode=1777"
# gVisor's own host threads count, some forty before any guest process: this is the host's safety net only; inside,
# no child can fork at all.
PIDS = {Isolation.GVISOR: 1000, Isolation.CONTAINER: 100}
REGISTER = "Register it with: runsc install, then reload Docker (kill -HUP); it is noticed within a minute"
WITHOUT_GVISOR = (
    "gVisor (runsc) is not registered with Docker: policies run in ordinary containers, whose isolation is weaker. "
    + REGISTER
)


class ContainerPipe:
    """A container's attached stdin and stdout. The container removes itself when it ends."""

    def __init__(self, container: DockerContainer, stream: Stream) -> None:
        self._container = container
        self._stream = stream
        self._errors = ""

    async def read(self) -> bytes:
        """See `Pipe.read`."""
        try:
            while (message := await self._stream.read_out()) is not None:
                if message.stream == STDOUT and message.data:
                    return message.data
                self._errors = (self._errors + message.data.decode(errors="replace"))[-KEPT_ERRORS:]
        except aiohttp.ClientError as error:
            raise OSError(f"the engine went away: {error}") from error
        return b""

    async def write(self, data: bytes) -> None:
        """See `Pipe.write`."""
        try:
            await self._stream.write_in(data)
        except (RuntimeError, AssertionError, AttributeError) as error:  # aiodocker's ways to say "closed"
            raise OSError("not attached any more") from error

    async def destroy(self) -> None:
        """See `Pipe.destroy`."""
        with contextlib.suppress(Exception):
            await self._stream.close()
        await remove(self._container)

    def diagnosis(self) -> str:
        """See `Pipe.diagnosis`."""
        return self._errors.strip()


class ContainerSandboxes:
    """Starts warm containers that know nothing yet: no network, no mount, no writable root, next to no rights."""

    def __init__(
        self,
        docker: aiodocker.Docker,
        image: SandboxImage,
        agent: str,
        *,
        memory_mb: int = 768,
        cpus: float = 1.0,
        require_gvisor: bool = False,
    ) -> None:
        self._docker = docker
        self._image = image
        self._labels = {MANAGED: "true", AGENT: agent, SANDBOX_LABEL: "true"}
        self._memory = memory_mb << 20
        self._cpus = cpus
        self._require_gvisor = require_gvisor
        self._tag = ""
        self.isolation = Isolation.CONTAINER

    async def prepare(self) -> list[str]:
        """Learn what the engine offers, remove what an earlier agent left, make the image; returns warnings.

        Raises SandboxError when GITGRIT_REQUIRE_GVISOR is set and gVisor is missing: nothing runs then.
        """
        warnings = await self.look()
        if self._require_gvisor and self.isolation is not Isolation.GVISOR:
            raise SandboxError(
                "GITGRIT_REQUIRE_GVISOR is set and gVisor (runsc) is not registered with Docker: no policy runs. "
                + REGISTER
            )
        await self.remove_orphans()
        self._tag = await self._image.ensure(_say)
        return warnings

    async def look(self) -> list[str]:
        """See `Backend.look`. A runsc that is registered no more fails every start, rather than weaken a result."""
        info = await self._docker.system.info()
        self._cpus = min(self._cpus, float(info.get("NCPU", 1)))
        if "runsc" in info.get("Runtimes", {}):
            self.isolation = Isolation.GVISOR
        return [] if self.isolation is Isolation.GVISOR else [WITHOUT_GVISOR]

    async def start(self, children: int) -> Sandbox:
        """See `Backend.start`."""
        name = NAME + new_id()[-10:].lower()
        try:
            container = await self._create(children, name)
            stream = container.attach(stdin=True, stdout=True, stderr=True)
            try:
                await stream._init()  # attached before the start, so that no byte is missed
                await container.start()
            except BaseException:
                await asyncio.shield(ContainerPipe(container, stream).destroy())
                raise
        except (DockerError, OSError, aiohttp.ClientError, AgentError) as error:
            lasting = isinstance(error, DockerError) and "OCI runtime" in str(error.message)
            raise SandboxError(f"no sandbox could be started: {explained(error)}", lasting=lasting) from error
        return Sandbox(ContainerPipe(container, stream), self.isolation, name)

    async def _create(self, children: int, name: str) -> DockerContainer:
        try:
            return await self._create_whole(children, name)
        except DockerError as error:
            if error.status != 404:
                raise
        self._tag = await self._image.ensure(_say)  # someone removed the image
        return await self._create_whole(children, name)

    async def _create_whole(self, children: int, name: str) -> DockerContainer:
        """The engine makes what it was asked for whether or not anybody waits: cancelled, this waits and removes it."""
        create = self._docker.containers.create(self._configuration(children), name=name)
        creating = asyncio.create_task(create, name=f"create {name}")
        try:
            return await asyncio.shield(creating)
        except asyncio.CancelledError:
            await asyncio.shield(undone(creating))
            raise

    async def remove_orphans(self) -> None:
        """Remove every sandbox that this agent's earlier life left."""
        filters = {"label": [f"{key}={value}" for key, value in self._labels.items()]}
        for container in await self._docker.containers.list(all=True, filters=json.dumps(filters)):
            await remove(container)

    def _configuration(self, children: int) -> Mapping[str, Any]:
        return {
            "Image": self._tag,
            "Cmd": [str(children)],
            "User": "0:0",  # of the sandbox: its first process gives each child a uid of its own
            "Labels": self._labels,
            "OpenStdin": True,
            "StdinOnce": True,  # the agent gone, stdin closes and the sandbox ends by itself
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": True,
            "HostConfig": {
                "Runtime": "runsc" if self.isolation is Isolation.GVISOR else "",
                "AutoRemove": True,
                "NetworkMode": "none",
                "ReadonlyRootfs": True,
                "Tmpfs": {"/tmp": TMP},  # noqa: S108 - the sandbox's own, in memory
                "CapDrop": ["ALL"],
                "CapAdd": ["SETUID", "SETGID", "KILL"],
                "SecurityOpt": ["no-new-privileges"],
                "Memory": self._memory,
                "MemorySwap": self._memory,
                "NanoCpus": int(self._cpus * 1e9),
                "PidsLimit": PIDS[self.isolation],
                "LogConfig": {"Type": "none"},
                "IpcMode": "none" if self.isolation is Isolation.CONTAINER else "",
            },
        }


async def undone(creating: asyncio.Task[DockerContainer]) -> None:
    """Remove a container as soon as it exists."""
    with contextlib.suppress(DockerError, OSError, aiohttp.ClientError):
        await remove(await creating)


async def remove(container: DockerContainer) -> None:
    """Kill and remove; what is gone already is fine, and an engine that is away is cleaned up at the next start."""
    try:
        await container.delete(force=True, v=True)
    except DockerError as error:
        if error.status not in {404, 409}:  # 409: its own removal is under way
            log.warning("sandbox not removed", container=container.id, problem=error.message)
    except (OSError, aiohttp.ClientError) as error:
        log.warning("sandbox not removed", container=container.id, problem=str(error))


def explained(error: Exception) -> str:
    """What the engine said, and the fix where it is known."""
    text = error.message if isinstance(error, DockerError) else str(error)
    if "root network namespace" in text:
        return (
            "this gVisor release cannot give containers a network of their own on this kernel. Sandboxes need none: add "
            '"--network=none" to the runtimeArgs of runsc in /etc/docker/daemon.json and reload Docker (kill -HUP)'
        )
    return text


async def _say(line: str) -> None:
    log.info(line)
