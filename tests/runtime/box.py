"""One container of the fake runtime: its files, addresses, ports, output and its one process."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from seatrial.agent.vocabulary.containers import (
    Container,
    ContainerSpec,
    ContainerState,
    HealthCheck,
    RestartPolicy,
)
from seatrial.wire.logs import LogLine
from tests.runtime import shell

MUTE = "/mute"  # a folder of which nothing is answered in HTTP
NOT_HTTP = -1  # the answer of a port that speaks something else
FIRST_PAUSE_SECONDS = 0.01  # before the first restart; doubled for each one after
_moments = itertools.count(1)
_begin = datetime.now(UTC)

Folder = MutableMapping[str, str]  # {path: text}


def now() -> datetime:
    """The current time, never the same twice, however quick the machine is."""
    return max(datetime.now(UTC), _begin) + timedelta(microseconds=next(_moments))


@dataclass
class Image:
    """What a container begins with."""

    labels: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    ports: Sequence[int] = ()
    volumes: Sequence[str] = ()
    check: HealthCheck | None = None


@dataclass(frozen=True)
class Served:
    """A port that the container listens on, and the folder whose files it serves."""

    folder: str
    loopback: bool


@dataclass
class Box:
    """See `shell.World`. `volumes` maps paths to what is mounted there; `tell` says what happened."""

    spec: ContainerSpec
    image: Image
    volumes: Mapping[str, Folder]
    tell: Callable[["Box", str], None]
    reach: Callable[["Box", str], "Box | None"]  # a sibling by its name
    host: "Box | None" = None  # in whose network it runs
    addresses: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, Sequence[str]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    ports: dict[int, Served] = field(default_factory=dict)
    lines: list[LogLine] = field(default_factory=list)
    state: ContainerState = ContainerState.CREATED
    exit_code: int | None = None
    oom_killed: bool = False
    restarts: int = 0
    started_at: datetime | None = None
    _task: "asyncio.Task[None] | None" = None
    _rest: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> Mapping[str, str]:
        """As its program sees it."""
        return {**self.image.environment, **self.spec.environment}

    @property
    def in_network_of(self) -> "Box":
        """The box whose network it is in; its own when that of its host is gone, because that began again."""
        host = self.host
        begun = host is not None and host.started_at is not None and self.started_at is not None
        return host if host and begun and self.started_at >= host.started_at else self  # type: ignore[operator]

    @property
    def memory_mb(self) -> int:
        """Its limit."""
        return self.spec.resources.memory_mb

    @property
    def stdin_open(self) -> bool:
        """See World."""
        return self.spec.options.stdin_open

    def words(self) -> list[str]:
        """What it runs, as engines put it together."""
        entry = self.image.entrypoint if self.spec.entrypoint is None else self.spec.entrypoint
        command = self.spec.command
        if command is None:
            command = self.image.command if self.spec.entrypoint is None else []
        return [*entry, *command]

    def shown(self) -> Container:
        """As the runtime tells it."""
        running = self.state in {ContainerState.RUNNING, ContainerState.PAUSED}
        addresses = {name: at if running else "" for name, at in self.in_network_of.addresses.items()}
        return Container(
            name=self.spec.name, labels=self.spec.labels, state=self.state, addresses=addresses,
            exit_code=None if running else self.exit_code, image=self.spec.image,
            started_at=self.started_at, oom_killed=self.oom_killed, restarts=self.restarts,
            stays_down=self.stays_down, network_of=self.spec.network_of, stop_seconds=self.spec.options.stop_seconds,
        )  # fmt: skip

    def start(self) -> None:
        """Begin, or begin again after it has ended; go on if it is paused."""
        if self.state is ContainerState.PAUSED:
            self.unpause()
            return
        self._begin()
        self._task = asyncio.create_task(self._live())

    def _begin(self) -> None:
        self.state, self.started_at, self.oom_killed = ContainerState.RUNNING, now(), False
        self.tell(self, "start")

    async def _live(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            code = await shell.run(self, self.words(), self._say)
            again = self._comes_back(code)
            self._end(code, again=again)
            if not again:
                return
            await asyncio.sleep(pause)
            pause *= 2
            self.restarts += 1
            self._begin()

    @property
    def stays_down(self) -> bool:
        """As in Docker, where a mount may have moved: what lies deeper than one folder is not started without a look."""
        deep = any(path.strip("/").count("/") for path in self.volumes)
        return deep or self.spec.restart is RestartPolicy.NEVER

    def _comes_back(self, code: int) -> bool:
        return not self.stays_down and self.spec.restart.comes_back(code)

    def _end(self, code: int, *, again: bool) -> None:
        for stream, rest in self._rest.items():
            self._line(stream, rest)
        self._rest.clear()
        self.ports.clear()
        self.state = ContainerState.RESTARTING if again else ContainerState.EXITED
        self.exit_code = code
        self.tell(self, "die")

    async def stop(self, code: int = shell.KILLED) -> None:
        """End it now; it is not started again by itself."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self.state.up or self.state is ContainerState.PAUSED:
            self._end(code, again=False)

    def pause(self) -> None:
        """Answer nobody until `unpause`; the program is where it was then."""
        if self.state is ContainerState.RUNNING:
            self.state = ContainerState.PAUSED
            self.tell(self, "pause")

    def unpause(self) -> None:
        """Go on."""
        if self.state is ContainerState.PAUSED:
            self.state = ContainerState.RUNNING
            self.tell(self, "unpause")

    def _say(self, stream: str, text: str) -> None:
        *whole, rest = (self._rest.pop(stream, "") + text).split("\n")
        for line in whole:
            self._line(stream, line)
        if rest:
            self._rest[stream] = rest

    def _line(self, stream: str, text: str) -> None:
        self.lines.append(LogLine(at=now(), source="service", stream=stream, text=text))
        self.tell(self, "said")

    def _place(self, path: str) -> tuple[Folder, str]:
        for mounted in sorted(self.volumes, key=len, reverse=True):
            if path.startswith(mounted.rstrip("/") + "/"):
                return self.volumes[mounted], path.removeprefix(mounted.rstrip("/"))
        return self.files, path

    def read(self, path: str) -> str | None:
        """See World."""
        folder, name = self._place(path)
        return folder.get(name)

    def write(self, path: str, text: str) -> None:
        """See World."""
        folder, name = self._place(path)
        folder[name] = text

    def listen(self, port: int, folder: str, *, loopback: bool) -> None:
        """See World."""
        self.ports[port] = Served(folder.rstrip("/"), loopback)

    def duplicate(self, source: str, target: str) -> None:
        """See shell.World."""
        self.volumes[target].update(self.volumes[source])

    def run_out_of_memory(self) -> None:
        """See World."""
        self.oom_killed = True

    def get(self, url: str) -> str | None:
        """See World."""
        address = urlsplit(url)
        other = self.reach(self, address.hostname or "")
        reply = other.answer(address.port or 80, address.path) if other else None
        return reply if isinstance(reply, str) else None

    def answer(self, port: int, path: str) -> str | int:
        """What a visitor gets: the page, 404, 0 for a closed door, or NOT_HTTP."""
        served = self.ports.get(port)
        if served is None or served.loopback or self.state is not ContainerState.RUNNING:
            return 0
        if served.folder == MUTE:
            return NOT_HTTP
        page = self.read(
            served.folder + (f"{path}index.html" if path.endswith("/") else path or "/index.html")
        )
        return 404 if page is None else page
