"""A runtime in memory: keeps the contract of `runtime.base` (tests/runtime/test_conformance.py holds it to that).

For tests of decisions: what is started, kept, replaced and removed, and when. `shell` contains the programs of containers.
`away` makes every call fail, like an engine that does not answer; containers keep running.
"""

import asyncio
import contextlib
import itertools
import tarfile
from collections.abc import AsyncIterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from seatrial.agent.runtime.asking import judged_by
from seatrial.agent.vocabulary.containers import (
    Cause,
    Change,
    Container,
    ContainerSpec,
    ContainerState,
    HealthCheck,
    Listener,
    Unwell,
)
from seatrial.agent.vocabulary.disk import Disk
from seatrial.agent.vocabulary.errors import RuntimeUnavailable, StartError
from seatrial.agent.vocabulary.labels import FINGERPRINT, SERVICE
from seatrial.agent.vocabulary.whole import whole
from seatrial.wire.logs import LogLine
from seatrial.wire.words import RuntimeKind
from tests.runtime import shell
from tests.runtime.box import NOT_HTTP, Box, Folder, Image

BUSYBOX = "busybox:fake"


@dataclass
class Network:
    """A network. The boxes know which of them are on it."""

    labels: Mapping[str, str]
    subnet: int


@dataclass
class Volume:
    """Files that outlive containers."""

    labels: Mapping[str, str]
    files: Folder = field(default_factory=dict)


class FakeRuntime:
    """See the module."""

    name = RuntimeKind.DOCKER  # code that decides by the name decides as with an engine
    warnings: Sequence[str] = ()

    def __init__(self) -> None:
        page = {"/www/index.html": "ok\n"}
        self.images: dict[str, Image] = {
            BUSYBOX: Image(files=page, environment={"PATH": "/bin"}, command=["sleep", "600"])
        }
        self.boxes: dict[str, Box] = {}
        self.networks: dict[str, Network] = {}
        self.volumes: dict[str, Volume] = {}
        self.without_gvisor = self.without_rules = ""
        self.disk_holds = Disk()
        self._away = False
        self._hosts = itertools.count(2)
        self._subnets = itertools.count(1)
        self._listening: set[asyncio.Queue[tuple[Box, str] | None]] = set()

    # What only tests do.

    @property
    def away(self) -> bool:
        """Whether the engine does not answer."""
        return self._away

    @away.setter
    def away(self, gone: bool) -> None:
        self._away = gone
        if gone:
            for queue in self._listening:
                queue.put_nowait(None)

    async def run(self, name: str, script: str) -> str:
        """What a shell command prints inside a container."""
        said: list[str] = []
        await shell.run(self.boxes[name], ["sh", "-c", script], lambda _, text: said.append(text))
        return "".join(said)

    async def fetch(self, endpoint: str | None) -> str:
        """The page at `address:port`."""
        url = httpx.URL(f"http://{endpoint}/")
        for box in self.boxes.values():
            if url.host in box.shown().addresses.values() and isinstance(
                page := box.answer(url.port or 80, "/"), str
            ):
                return page
        raise ConnectionRefusedError(f"nobody answers at {endpoint}")

    async def close(self) -> None:
        """End every program."""
        self.away = False
        for name in list(self.boxes):
            await self.remove(name)

    # Runtime.

    async def _asked(self) -> None:
        """Every call takes a turn of the loop, as one to an engine does."""
        await asyncio.sleep(0)
        if self._away:
            raise RuntimeUnavailable("the engine does not answer")

    async def ping(self) -> None:
        """See Runtime."""
        await self._asked()

    async def uncontained(self) -> str:
        """See Runtime."""
        await self._asked()
        return self.without_gvisor

    async def unlimited(self) -> str:
        """See Runtime."""
        await self._asked()
        return self.without_rules

    @whole
    async def ensure_network(self, name: str, labels: Mapping[str, str]) -> None:
        """See Runtime."""
        await self._asked()
        self.networks.setdefault(name, Network(dict(labels), next(self._subnets)))

    @whole
    async def connect(self, container: str, network: str, aliases: Sequence[str]) -> None:
        """See Runtime."""
        await self._asked()
        if container not in self.boxes or network not in self.networks:
            raise StartError(f"cannot join {container} to {network}")
        self._join(self.boxes[container], network, aliases)

    def _join(self, box: Box, network: str, aliases: Sequence[str]) -> None:
        if network not in self.networks:
            raise StartError(f"{box.spec.name} cannot be started: network {network} not found")
        box.aliases.setdefault(network, aliases)
        host = next(self._hosts)
        subnet = self.networks[network].subnet
        box.addresses.setdefault(network, f"10.{subnet % 256}.{host // 256}.{host % 256}")

    @whole
    async def ensure_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """See Runtime."""
        await self._asked()
        self.volumes.setdefault(name, Volume(dict(labels)))

    async def has_image(self, image: str) -> bool:
        """See Runtime."""
        await self._asked()
        return image in self.images

    async def image_ports(self, image: str) -> list[int]:
        """See Runtime."""
        await self._asked()
        return sorted(self._image(image).ports)

    async def image_bytes(self, image: str) -> int | None:
        """See Runtime."""
        await self._asked()
        return 5_000_000 if image in self.images else None

    async def image_labels(self, image: str) -> Mapping[str, str]:
        """See Runtime."""
        await self._asked()
        return self.images[image].labels if image in self.images else {}

    async def image_volumes(self, image: str) -> list[str]:
        """See Runtime."""
        await self._asked()
        return sorted(self._image(image).volumes)

    async def image_check(self, image: str) -> HealthCheck | None:
        """See Runtime."""
        await self._asked()
        return self._image(image).check

    def _image(self, image: str) -> Image:
        return self.images.get(image, Image())

    def left_out(self, spec: ContainerSpec) -> list[str]:
        """See Runtime."""
        return []

    @whole
    async def start(self, spec: ContainerSpec) -> Container:
        """See Runtime."""
        await self._asked()
        box = self.boxes.get(spec.name)
        other = box is not None and box.spec.labels.get(FINGERPRINT) != spec.labels.get(FINGERPRINT)
        if box is not None and (other or (spec.network_of and not box.shown().addresses)):
            await self.remove(spec.name)
            box = None
        if box is None:
            box = self.boxes[spec.name] = await self._made(spec)
        for network in [n for n in box.addresses if n not in self.networks]:
            del box.addresses[network], box.aliases[network]
        for network, aliases in spec.networks.items():
            self._join(box, network, aliases)
        if not box.state.up:
            self._begin(box)
        return box.shown()

    def _begin(self, box: Box) -> None:
        words = box.words()
        if not shell.known(words):
            command = " ".join(words) or "the image's command"
            problem = f"{command!r} cannot be run in its image"
            raise StartError(
                f"{box.spec.name} cannot be started: {problem}", service=box.spec.labels.get(SERVICE, "")
            )
        box.start()

    async def _made(self, spec: ContainerSpec) -> Box:
        service = spec.labels.get(SERVICE, "")
        host = self.boxes.get(spec.network_of or "")
        if spec.network_of and (host is None or host.state is not ContainerState.RUNNING):
            raise StartError(f"{spec.name} cannot be made: {spec.network_of} does not run", service=service)
        if (image := self.images.get(spec.image)) is None:
            raise StartError(f"image {spec.image} is not on the host", service=service)
        mounted = {mount.path: self._volume(mount.volume) for mount in spec.mounts}
        mounted |= {path: {} for path in image.volumes if path not in mounted}
        box = Box(spec, image, mounted, self._tell, self._sibling, host, files=dict(image.files))
        for path, folder in mounted.items():
            if not folder:  # filled from its image
                inside = path.rstrip("/") + "/"
                folder |= {
                    name.removeprefix(path.rstrip("/")): text
                    for name, text in image.files.items()
                    if name.startswith(inside)
                }
        if spec.files is not None:
            async with spec.files.packed() as archive:
                with tarfile.open(archive) as tar:
                    for member in tar:
                        if (content := tar.extractfile(member) if member.isfile() else None) is not None:
                            box.write(f"/{member.name.lstrip('/')}", content.read().decode())
        return box

    def _volume(self, name: str) -> MutableMapping[str, str]:
        return self.volumes.setdefault(name, Volume({})).files if name else {}

    def _sibling(self, asking: Box, name: str) -> Box | None:
        for network in asking.addresses:
            for box in self.boxes.values():
                if box.state is ContainerState.RUNNING and name in {
                    *box.aliases.get(network, ()),
                    box.spec.name,
                }:
                    return box
        return None

    def _tell(self, box: Box, action: str) -> None:
        for queue in self._listening:
            queue.put_nowait((box, action))

    async def get(self, name: str) -> Container | None:
        """See Runtime."""
        await self._asked()
        return self.boxes[name].shown() if name in self.boxes else None

    async def check(self, container: Container, network: str, check: HealthCheck) -> Unwell | None:
        """See Runtime."""
        await self._asked()
        box = self.boxes.get(container.name)
        if check.command is not None:
            return await self._command(box, check)
        if box is None or network not in box.shown().addresses:
            return Unwell(f"has no address on {network}", Cause.NOTHING_THERE)
        if check.port is None:
            return Unwell("listens on no known port", Cause.NO_PORT)
        together = [b for b in self.boxes.values() if b.in_network_of is box.in_network_of]
        answers = [b.answer(check.port, check.http_path or "/") for b in together]
        answer = next((answer for answer in answers if answer != 0), 0)
        return judged(answer, check)

    async def _command(self, box: Box | None, check: HealthCheck) -> Unwell | None:
        if box is None or box.state is not ContainerState.RUNNING:
            return Unwell("the health command could not run: the container is not running", Cause.OWN_COMMAND)
        said: list[str] = []
        try:
            async with asyncio.timeout(check.ask_seconds):
                code = await shell.run(box, list(check.command or []), lambda _, text: said.append(text))
        except TimeoutError:
            return Unwell(f"the health command did not end within {check.ask_seconds:g} s", Cause.OWN_COMMAND)
        return judged_by(code, "".join(said))

    async def listening(self, container: Container, network: str) -> list[Listener]:
        """See Runtime."""
        await self._asked()
        box = self.boxes.get(container.name)
        return [Listener(port, box.ports[port].loopback) for port in sorted(box.ports)] if box else []

    async def list_containers(self, labels: Mapping[str, str]) -> list[Container]:
        """See Runtime."""
        await self._asked()
        return [box.shown() for box in self.boxes.values() if carries(box.spec.labels, labels)]

    async def list_networks(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """See Runtime."""
        return await self._listed(self.networks, labels)

    async def list_volumes(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """See Runtime."""
        return await self._listed(self.volumes, labels)

    async def list_images(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """See Runtime."""
        return await self._listed(self.images, labels)

    async def _listed(
        self, things: Mapping[str, Network | Volume | Image], labels: Mapping[str, str]
    ) -> dict[str, Mapping[str, str]]:
        await self._asked()
        return {name: thing.labels for name, thing in things.items() if carries(thing.labels, labels)}

    async def stop(self, name: str, grace_seconds: float) -> None:
        """See Runtime."""
        await self._asked()
        if name in self.boxes:
            await self.boxes[name].stop()

    async def pause(self, name: str) -> None:
        """See Runtime."""
        await self._asked()
        if name in self.boxes:
            self.boxes[name].pause()

    async def unpause(self, name: str) -> None:
        """See Runtime."""
        await self._asked()
        if name in self.boxes:
            self.boxes[name].unpause()

    @whole
    async def remove(self, name: str) -> None:
        """See Runtime."""
        await self._asked()
        box = self.boxes.get(name)
        if box is not None:
            await box.stop()
            self.boxes.pop(name, None)
            self._tell(box, "destroy")

    async def remove_network(self, name: str) -> None:
        """See Runtime. What hangs on it is taken off; what has stopped keeps the name and finds out at its start."""
        await self._asked()
        self.networks.pop(name, None)
        for box in self.boxes.values():
            if box.state is ContainerState.RUNNING:
                box.addresses.pop(name, None)
                box.aliases.pop(name, None)

    async def remove_volume(self, name: str) -> None:
        """See Runtime."""
        await self._asked()
        if any(mount.volume == name for box in self.boxes.values() for mount in box.spec.mounts):
            raise StartError(f"cannot remove volume {name}: it is in use")
        self.volumes.pop(name, None)

    async def disk(self, labels: Mapping[str, str]) -> Disk:
        """See Runtime. What the test says."""
        await self._asked()
        return self.disk_holds

    async def remove_image(self, reference: str) -> None:
        """See Runtime."""
        await self._asked()
        if all(box.spec.image != reference for box in self.boxes.values()):
            self.images.pop(reference, None)

    async def logs(
        self, name: str, *, follow: bool, tail: int | None = None, since: datetime | None = None
    ) -> AsyncIterator[LogLine]:
        """See Runtime."""
        await self._asked()
        box = self.boxes.get(name)
        if box is None:
            return
        with self._subscription() as news:
            there = [line for line in box.lines if since is None or line.at > since]
            sent = len(box.lines)
            for line in there[-tail if tail else None :]:
                yield line
            while follow and not box.state.over:
                if await news.get() is None:
                    return
                for line in box.lines[sent:]:
                    sent += 1
                    yield line
            for line in box.lines[sent:] if follow else ():
                yield line

    async def changes(self, labels: Mapping[str, str]) -> AsyncIterator[Change]:
        """See Runtime."""
        if self._away:
            raise RuntimeUnavailable("the engine does not answer")
        with self._subscription() as news:
            while (change := await news.get()) is not None:
                box, action = change
                if action != "said" and carries(box.spec.labels, labels):
                    yield Change(box.spec.name, box.spec.labels, action)

    @contextlib.contextmanager
    def _subscription(self):  # type: ignore[no-untyped-def]
        queue: asyncio.Queue[tuple[Box, str] | None] = asyncio.Queue()
        self._listening.add(queue)
        try:
            yield queue
        finally:
            self._listening.discard(queue)


def carries(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether every one of `wanted` is among `labels`."""
    return wanted.items() <= labels.items()


def judged(answer: str | int, check: HealthCheck) -> Unwell | None:
    """What `seatrial.agent.runtime.asking` says of the same answer."""
    if check.http_path is None:
        seen = f"port {check.port} does not accept connections (connection refused)"
        return None if answer != 0 else Unwell(seen, Cause.NOTHING_THERE)
    asked = f"GET {check.http_path} on port {check.port}"
    if answer == 0:
        return Unwell(f"{asked} got no answer (connection refused)", Cause.NOTHING_THERE)
    if answer == NOT_HTTP:
        return Unwell(f"port {check.port} answers, but does not speak HTTP", Cause.NOT_HTTP)
    status = answer if isinstance(answer, int) else 200
    if status == check.status or (check.status == 0 and status < 500):
        return None
    seen = f"{asked} answered {status}" + (f", not {check.status}" if check.status else "")
    return Unwell(seen, Cause.WRONG_ANSWER)
