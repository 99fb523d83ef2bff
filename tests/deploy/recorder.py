"""An engine that does nothing but remember what it was asked, on a socket; and everything that an agent asks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from aiohttp import web

from seatrial.agent.engine import Engine
from seatrial.agent.engine.executions import Execution
from seatrial.agent.engine.sealed import SealedSpec
from seatrial.agent.vocabulary.containers import ContainerSpec

SPEC = ContainerSpec(name="one", image="image:1", labels={}, networks={"net": []})
SEALED = SealedSpec("one", "image:1", [], {}, 1 << 20, 1.0, 10, False)
ANSWER = {
    "Id": "one",
    "Name": "one",
    "Volumes": [],
    "Config": {"Tty": False},
    "ProcessConfig": {"tty": False},
    "ExitCode": 0,
}
Request = tuple[str, str]  # method and path, without the version


@dataclass
class Recorder:
    """Answers every request with an empty object. An upgrade is answered, and then what comes is sent back until its end."""

    asked: set[Request] = field(default_factory=set)
    _runner: web.AppRunner | None = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Remember, and answer."""
        path = request.path if not request.path.startswith("/v1.") else "/" + request.path.split("/", 2)[2]
        if path != "/_ping":
            self.asked.add((request.method, path))
        if request.headers.get("Upgrade", "").lower() == "tcp":
            return await self._upgraded(request)
        await request.read()
        if path.endswith("/version"):
            return web.json_response({"ApiVersion": "1.41", "Version": "20.10"})
        return web.json_response(ANSWER)

    async def _upgraded(self, request: web.Request) -> web.StreamResponse:
        transport = request.transport
        assert transport is not None
        head = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
        transport.write(head + frame(b"hello"))
        transport.close()  # once that is written
        return web.Response()

    @asynccontextmanager
    async def serving(self, socket: Path) -> AsyncIterator[None]:
        """Listen on `socket`."""
        application = web.Application(client_max_size=1 << 30)
        application.router.add_route("*", "/{path:.*}", self.answer)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(socket)).start()
        try:
            yield
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Answer nobody any more."""
        assert self._runner is not None
        await self._runner.cleanup()


def frame(data: bytes) -> bytes:
    """`data` as an engine sends what a container wrote."""
    return bytes([1, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


async def nothing() -> AsyncIterator[bytes]:
    """An empty archive."""
    yield b"\0" * 1024


async def drained(lines: Any) -> None:
    """Read to the end."""
    async for _ in lines:
        pass


def calls(archive: Path) -> dict[str, Callable[[Engine], Awaitable[Any]]]:
    """Every call that an agent makes, by its name."""
    return {
        "ping": lambda e: e.ping(),
        "machine": lambda e: e.machine(),
        "disk": lambda e: e.disk({"a": "b"}),
        "registries": lambda e: e.registries(),
        "containers.create": lambda e: e.containers.create(SPEC),
        "containers.create_sealed": lambda e: e.containers.create_sealed(SEALED),
        "containers.unpack": lambda e: e.containers.unpack("one", archive),
        "containers.mount_targets": lambda e: e.containers.mount_targets("one"),
        "containers.link": lambda e: e.containers.link("one", "/x"),
        "containers.keep_down": lambda e: e.containers.keep_down("one"),
        "containers.start": lambda e: e.containers.start("one"),
        "containers.stop": lambda e: e.containers.stop("one", 1),
        "containers.pause": lambda e: e.containers.pause("one"),
        "containers.unpause": lambda e: e.containers.unpause("one"),
        "containers.remove": lambda e: e.containers.remove("one"),
        "containers.get": lambda e: e.containers.get("one"),
        "containers.host_process": lambda e: e.containers.host_process("one"),
        "containers.written": lambda e: e.containers.written("one"),
        "containers.runtime": lambda e: e.containers.runtime("one"),
        "containers.hardware_address": lambda e: e.containers.hardware_address("one", "net"),
        "containers.ids": lambda e: e.containers.ids({"a": "b"}),
        "containers.execute": lambda e: e.containers.execute("one", ["true"]),
        "containers.execute_by_hand": lambda e: e.containers.execute_by_hand(
            "one", ["true"], terminal=True, fed=True, environment={}
        ),
        "containers.has_executions": lambda e: e.containers.has_executions("one"),
        "containers.attach": lambda e: e.containers.attach("one"),
        "images.get": lambda e: e.images.get("registry.test:5000/team/image:1"),
        "images.list": lambda e: e.images.list({"a": "b"}),
        "images.remove": lambda e: e.images.remove("team/image:1"),
        "images.load": lambda e: e.images.load(nothing()),
        "images.save": lambda e: e.images.save("team/image:1", archive.with_name("saved")),
        "images.take_in": lambda e: e.images.take_in(nothing(), "seatrial/base:1", []),
        "images.build": lambda e: e.images.build(BytesIO(), "gitgrit-sandbox:1", {}),
        "networks.create": lambda e: e.networks.create("net", {}, "galley0"),
        "networks.join": lambda e: e.networks.join("net", "one", []),
        "networks.leave": lambda e: e.networks.leave("net", "one"),
        "networks.get": lambda e: e.networks.get("net"),
        "networks.list": lambda e: e.networks.list({"a": "b"}, name="net"),
        "networks.remove": lambda e: e.networks.remove("net"),
        "volumes.create": lambda e: e.volumes.create("volume", {}),
        "volumes.list": lambda e: e.volumes.list({"a": "b"}),
        "volumes.remove": lambda e: e.volumes.remove("volume"),
        "streams.logs": lambda e: drained(e.streams.logs("one", follow=True)),
        "streams.changes": lambda e: drained(e.streams.changes({"a": "b"})),
        "execution": executed,
    }


async def executed(engine: Engine) -> None:
    """Both requests of a command inside."""
    execution: Execution = await engine.containers.execute("one", ["true"])
    await execution.outcome(5)
    await execution.resize(24, 80)


def known() -> set[str]:
    """The names of all calls that there are."""
    engine = Engine("unix:///nowhere")
    rooms = {"": engine} | {
        name: getattr(engine, name) for name in ("containers", "images", "networks", "volumes", "streams")
    }
    return {
        f"{room}.{name}".lstrip(".")
        for room, part in rooms.items()
        for name in vars(type(part))
        if not name.startswith("_") and name != "close" and callable(getattr(part, name))
    }


async def asked_of(socket: Path, recorder: Recorder, archive: Path) -> dict[str, set[Request]]:
    """Make every call against `socket`; what each of them led to at the recorder."""
    engine = Engine(f"unix://{socket}")
    found = {}
    try:
        for name, call in calls(archive).items():
            recorder.asked.clear()
            with suppress(Exception):  # the answers are not what it hoped for
                async with asyncio.timeout(20):
                    attached = await call(engine)
                    if name == "containers.attach":
                        await attached.close()
            found[name] = set(recorder.asked)
    finally:
        await engine.close()
    return found
