"""An agent's environments on the real engine and real git; only the bus and the builder are replaced."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from ulid import ULID

from seatrial.agent.builds.base import Builder, BuildRequest, Images
from seatrial.agent.checkouts.cache import Cache
from seatrial.agent.doors import Direct, Ways
from seatrial.agent.environments.build_queue import BuildQueue
from seatrial.agent.environments.service import Environments
from seatrial.agent.environments.snapshots import CopyImage
from seatrial.agent.environments.tools import Load, Tools
from seatrial.agent.logs.following import Followers
from seatrial.agent.logs.shares import Shares
from seatrial.agent.logs.shipping import LogShipping
from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.runtime.base import Runtime
from seatrial.agent.vocabulary.containers import Resources
from seatrial.agent.vocabulary.egress import Egress
from seatrial.agent.vocabulary.errors import BuildError, ImageUnavailable
from seatrial.agent.vocabulary.logs import Log
from seatrial.agent.vocabulary.whole import whole
from seatrial.wire.deployments import (
    DesiredDeployment,
    DesiredEnvironment,
    PreviewAddress,
    Source,
)
from seatrial.wire.envelope import Message
from seatrial.wire.logs import LogChunk
from seatrial.wire.variables import Values
from tests.credentials import NoCredentials
from tests.repositories import Repository
from tests.waiting import LIMIT_SECONDS

M = TypeVar("M", bound=Message)


class RecordedReports:
    """`Reports` that keep every event and log line."""

    def __init__(self) -> None:
        self.events: list[Message] = []
        self.lines: list[str] = []
        self._changed = asyncio.Condition()

    async def observed(self, message: Message, *, workspace: str, about: str) -> None:
        async with self._changed:
            self.events.append(message)
            self._changed.notify_all()

    async def log(self, chunk: LogChunk, *, workspace: str) -> None:
        async with self._changed:
            self.lines += [f"{chunk.service}: {line.text}" for line in chunk.lines]
            self._changed.notify_all()

    def all(self, kind: type[M]) -> list[M]:
        return [event for event in self.events if isinstance(event, kind)]

    async def next(self, kind: type[M], seen: int = 0, seconds: float = LIMIT_SECONDS, **fields: object) -> M:
        """The first event of `kind` with these fields, after the first `seen` events."""

        def matching() -> list[M]:
            return [
                event
                for event in self.events[seen:]
                if isinstance(event, kind) and all(getattr(event, k) == v for k, v in fields.items())
            ]

        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(matching)
        return matching()[0]

    async def line(self, text: str, seconds: float = LIMIT_SECONDS) -> None:
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(lambda: any(text in line for line in self.lines))


class DockerBuild:
    """A `Builder` that uses the engine's own build command. It keeps the contract but has no isolation."""

    name = "docker build"

    def __init__(self) -> None:
        self.built: list[str] = []

    @whole
    async def build(self, request: BuildRequest, log: Log) -> None:
        self.built.append(request.service)
        folder = request.context_root / request.build.path
        labels = [part for key, value in request.labels.items() for part in ("--label", f"{key}={value}")]
        process = await asyncio.create_subprocess_exec(
            *["docker", "build", "-q", "--force-rm", *labels, "-t", request.tag, str(folder)],
            env={"DOCKER_BUILDKIT": "0", "PATH": "/usr/local/bin:/usr/bin:/bin"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        await log(f"built {request.service}")
        if process.returncode != 0:
            raise BuildError(f"{request.service}: build failed", log_tail=output.decode().splitlines()[-5:])


class HostImages:
    """`Images` that only finds images on the host."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def ensure(self, image: str, log: Log, logins: object = None) -> str:
        if await self._runtime.has_image(image):
            return image
        raise ImageUnavailable(f"{image} is not on the host")


@dataclass
class Agent:
    """The environments of one agent process. Ending `running` leaves the host as a crash or a restart would."""

    id: str
    directory: Path
    runtime: Runtime
    reports: RecordedReports = field(default_factory=RecordedReports)
    builder: Builder = field(default_factory=DockerBuild)
    credentials: NoCredentials = field(default_factory=NoCredentials)
    images: Images | None = None
    defaults: Resources = field(default_factory=lambda: Resources(cpus=1, memory_mb=64))
    load: Load = field(default_factory=Load)
    ways: Ways = field(default_factory=Direct)
    egress: Egress = Egress.INTERNET
    copy_image: CopyImage | None = None
    secrets: dict[str, str] = field(default_factory=dict)  # what every deployment with variables is given

    async def _variables(self, environment: str, deployment: str) -> Values:
        return Values(values=self.secrets, secret=list(self.secrets))

    def tools(self) -> Tools:
        return Tools(
            agent=self.id,
            directory=self.directory,
            runtime=self.runtime,
            checkouts=Cache(self.directory / "git"),
            credentials=self.credentials,
            read_recipe=read_recipe,
            builder=self.builder,
            images=self.images or HostImages(self.runtime),
            reports=self.reports,
            logs=LogShipping(self.reports, Shares(0)),
            variables=self._variables,
            build_queue=BuildQueue(2),
            defaults=self.defaults,
            min_free_mb=1,
            load=self.load,
            ways=self.ways,
            egress=self.egress,
            copy_image=self.copy_image,
        )

    @contextlib.asynccontextmanager
    async def running(self, *, grace: float = 0.5) -> AsyncIterator[Environments]:
        tools = self.tools()
        self.directory.mkdir(parents=True, exist_ok=True)
        followers = Followers(self.runtime, tools.logs, self.directory)
        environments = Environments(tools, followers, orphan_grace_seconds=grace)
        tasks = [asyncio.create_task(environments.run()), asyncio.create_task(followers.run())]
        try:
            yield environments
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await environments.close()


def deployment(commit: str, *, variables: bool = False) -> DesiredDeployment:
    return DesiredDeployment(id=str(ULID()), commit=commit, branch="feature", variables=variables)


def environment(repository: Repository, name: str, **more: object) -> DesiredEnvironment:
    values: dict[str, object] = {
        "environment": str(ULID()),
        "name": name,
        "workspace": "w1",
        "project": "p1",
        "repository": "r1",
        "number": 1,
        "revision": 1,
        "source": Source(clone_url=str(repository.path)),
        "address": PreviewAddress(port=8080),
        "drain_seconds": 0.3,
    }
    return DesiredEnvironment.model_validate(values | more)


def then(before: DesiredEnvironment, **changes: object) -> DesiredEnvironment:
    """The next revision."""
    return before.model_copy(update={"revision": before.revision + 1, **changes})
