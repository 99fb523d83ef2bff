"""Sandboxes as containers: under gVisor if the engine has it, otherwise with weaker isolation, which is reported."""

import asyncio
import contextlib

import structlog

from seatrial.agent.engine import Engine
from seatrial.agent.engine.attached import Attached
from seatrial.agent.engine.sealed import SealedSpec
from seatrial.agent.sandboxes.berths import Berth
from seatrial.agent.sandboxes.channel import Sandbox, SandboxError
from seatrial.agent.sandboxes.frames import Kind
from seatrial.agent.sandboxes.image import ImageSource, outdated, python_of
from seatrial.agent.vocabulary.errors import AgentError, EngineRefused, Refusal
from seatrial.agent.vocabulary.labels import AGENT, MANAGED
from seatrial.wire.envelope import new_id
from seatrial.wire.states import Isolation

log = structlog.get_logger(__name__)

SANDBOX_LABEL = "galley.sandbox"
NAME = "gitgrit-sandbox-"
KEPT_ERRORS = 4_000
NO_RESOLVER = (
    "127.0.0.1"  # of the sandbox itself, where nobody answers; without one, engines may choose a public one
)
# gVisor's own threads on the host count too, about forty before any guest process starts. This limit only protects the
# host; inside, no child can fork at all.
PIDS = {Isolation.GVISOR: 1000, Isolation.CONTAINER: 100}
# A start that failed for one of these reasons would fail again.
LASTING = {
    Refusal.NO_OWN_NETWORK,
    Refusal.NO_PROGRAM,
    Refusal.NOT_EXECUTABLE,
    Refusal.NO_LIMIT,
    Refusal.NOT_BEGUN,
}
REGISTER = "Register it with: runsc install, then reload Docker (kill -HUP); it is noticed within a minute"
WITHOUT_GVISOR = (
    "gVisor (runsc) is not registered with Docker: policies run in ordinary containers, whose isolation is weaker. "
    + REGISTER
)


class ContainerPipe:
    """A container's attached stdin and stdout. The container removes itself when it ends."""

    def __init__(self, engine: Engine, name: str, attached: Attached) -> None:
        self._engine = engine
        self._name = name
        self._attached = attached
        self._errors = ""

    async def read(self) -> bytes:
        """See `Pipe.read`."""
        while (said := await self._attached.read()) is not None:
            if said.data and not said.error:
                return said.data
            self._errors = (self._errors + said.data.decode(errors="replace"))[-KEPT_ERRORS:]
        return b""

    async def write(self, data: bytes) -> None:
        """See `Pipe.write`."""
        await self._attached.write(data)

    async def destroy(self) -> None:
        """See `Pipe.destroy`."""
        await self._attached.close()
        await remove(self._engine, self._name)

    def diagnosis(self) -> str:
        """See `Pipe.diagnosis`."""
        return self._errors.strip()


class ContainerSandboxes:
    """Starts warm containers that hold no data yet: no network unless they get a berth, no mount, no writable root, almost no
    capabilities."""

    def __init__(
        self,
        engine: Engine,
        image: ImageSource,
        agent: str,
        *,
        memory_mb: int = 768,
        cpus: float = 1.0,
        require_gvisor: bool = False,
    ) -> None:
        self._engine = engine
        self._image = image
        self._labels = {MANAGED: "true", AGENT: agent, SANDBOX_LABEL: "true"}
        self._memory = memory_mb << 20
        self._cpus = cpus
        self._require_gvisor = require_gvisor
        self._tag = ""
        self.isolation = Isolation.CONTAINER
        self.python = ""

    async def prepare(self) -> list[str]:
        """Detect what the engine offers, remove leftovers of an earlier agent, build the image; returns warnings.

        Raises SandboxError if GITGRIT_REQUIRE_GVISOR is set and gVisor is missing: then no policy runs.
        """
        warnings = await self._isolated()
        if self._require_gvisor and self.isolation is not Isolation.GVISOR:
            raise SandboxError(
                "GITGRIT_REQUIRE_GVISOR is set and gVisor (runsc) is not registered with Docker: no policy runs. "
                + REGISTER
            )
        await self.remove_orphans()
        await self._have_image()
        return [*warnings, *outdated(self.python)]

    async def _have_image(self) -> None:
        self._tag = await self._image.ensure(_say)
        image = await self._engine.images.get(self._tag)
        self.python = python_of(image) if image else ""

    async def look(self) -> list[str]:
        """See `Backend.look`. If runsc is no longer registered, every start fails; isolation is never weakened."""
        return [*await self._isolated(), *outdated(self.python)]

    async def _isolated(self) -> list[str]:
        machine = await self._engine.machine()
        self._cpus = min(self._cpus, float(machine.cpus))
        if machine.gvisor:
            self.isolation = Isolation.GVISOR
        return [] if self.isolation is Isolation.GVISOR else [WITHOUT_GVISOR]

    async def start(self, children: int, berth: Berth | None = None) -> Sandbox:
        """See `Backend.start`."""
        name = NAME + new_id()[-10:].lower()
        try:
            await self._create(children, name, berth)
            attached = await self._begun(name)
        except (OSError, AgentError) as error:
            refusal = error.refusal if isinstance(error, EngineRefused) else None
            raise SandboxError(
                f"no sandbox could be started: {explained(error)}", lasting=refusal in LASTING
            ) from error
        sandbox = Sandbox(ContainerPipe(self._engine, name, attached), self.isolation, name)
        if berth is not None:
            try:
                await self._moor(sandbox, berth)
            except BaseException:
                await asyncio.shield(sandbox.destroy())
                raise
        return sandbox

    async def _moor(self, sandbox: Sandbox, berth: Berth) -> None:
        """Make sure that the firewall knows it, then tell it of its network, without which it does nothing."""
        try:
            address = await self._engine.containers.hardware_address(sandbox.name, berth.network)
        except (OSError, AgentError) as error:
            raise SandboxError(f"it is not known whether the firewall knows the sandbox: {error}") from error
        if address.lower() != berth.hardware_address:
            raise SandboxError(
                f"the engine gave the sandbox the address {address or 'none'}, which no firewall rule knows"
            )
        said = {"servers": list(berth.servers), "authorities": berth.authorities}
        await sandbox.send(Kind.NETWORK, 0, said)

    async def _begun(self, name: str) -> Attached:
        """Start the container, attached before the start so that no byte is missed. On failure the container is removed."""
        attached: Attached | None = None
        try:
            attached = await self._engine.containers.attach(name)
            await self._engine.containers.start(name)
        except BaseException:
            if attached is not None:
                await attached.close()
            await asyncio.shield(remove(self._engine, name))
            raise
        return attached

    async def _create(self, children: int, name: str, berth: Berth | None) -> None:
        try:
            return await self._create_whole(children, name, berth)
        except EngineRefused as error:
            if not error.absent:
                raise
        await self._have_image()  # it was removed by somebody else
        return await self._create_whole(children, name, berth)

    async def _create_whole(self, children: int, name: str, berth: Berth | None) -> None:
        """Create the container. The engine creates it even if this call is cancelled; the call then waits for the container
        and removes it."""
        create = self._engine.containers.create_sealed(self._spec(children, name, berth))
        creating = asyncio.create_task(create, name=f"create {name}")
        try:
            await asyncio.shield(creating)
        except asyncio.CancelledError:
            await asyncio.shield(undone(creating, self._engine, name))
            raise

    async def remove_orphans(self) -> None:
        """Remove every sandbox that an earlier run of this agent left."""
        for container in await self._engine.containers.ids(self._labels):
            await remove(self._engine, container)

    def _spec(self, children: int, name: str, berth: Berth | None) -> SealedSpec:
        gvisor = self.isolation is Isolation.GVISOR
        command = [str(children), "gvisor" if gvisor else "container"]
        return SealedSpec(
            name=name,
            image=self._tag,
            command=command if berth is None else [*command, "networked"],
            labels=self._labels,
            memory_bytes=self._memory,
            cpus=self._cpus,
            pids=PIDS[self.isolation],
            gvisor=gvisor,
            network="none" if berth is None else berth.network,
            hardware_address="" if berth is None else berth.hardware_address,
            resolvers=() if berth is None else tuple(berth.servers) or (NO_RESOLVER,),
        )


async def undone(creating: asyncio.Task[None], engine: Engine, name: str) -> None:
    """Remove a container as soon as it exists."""
    with contextlib.suppress(AgentError):
        await creating
        await remove(engine, name)


async def remove(engine: Engine, name: str) -> None:
    """Kill and remove the container; idempotent. If the engine does not answer, the next start cleans up."""
    try:
        await engine.containers.remove(name)
    except EngineRefused as error:
        if error.status != 409:  # 409: the container is already removing itself
            log.warning("sandbox not removed", container=name, problem=str(error))
    except (OSError, AgentError) as error:
        log.warning("sandbox not removed", container=name, problem=str(error))


def explained(error: Exception) -> str:
    """The engine's message, and the fix if it is known."""
    if isinstance(error, EngineRefused) and error.refusal is Refusal.NO_OWN_NETWORK:
        return (
            "this gVisor release cannot give containers a network of their own on this kernel. Sandboxes need none: add "
            '"--network=none" to the runtimeArgs of runsc in /etc/docker/daemon.json and reload Docker (kill -HUP)'
        )
    return str(error)


async def _say(line: str) -> None:
    log.info(line)
