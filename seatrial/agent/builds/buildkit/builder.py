"""The driver for BuildKit: images from the engine or from our own pulls, steps at a daemon, the result on the engine."""

import asyncio
import contextlib
import hashlib
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.agent.builds import space, trust
from seatrial.agent.builds.archive import BuiltImage
from seatrial.agent.builds.attempts import PAUSES_SECONDS, hosts_fault, repeated
from seatrial.agent.builds.base import BuildRequest, Facts, Images
from seatrial.agent.builds.bases import Base, on_the_engine, together
from seatrial.agent.builds.buildkit.buildx import Buildx, opened
from seatrial.agent.builds.buildkit.daemons import HOLES, Daemon, less_isolated, look
from seatrial.agent.builds.buildkit.dialect import BuildKitDialect, secret
from seatrial.agent.builds.buildkit.layouts import Layouts
from seatrial.agent.builds.buildkit.outcome import Outcome
from seatrial.agent.builds.buildkit.progress import Progress
from seatrial.agent.builds.buildkit.results import EngineResult, LayoutResult, Result, deliver
from seatrial.agent.builds.buildkit.symptom import symptom
from seatrial.agent.builds.contexts import Further, by_names
from seatrial.agent.builds.healthcheck import healthcheck
from seatrial.agent.builds.inputs import brought_along, check_of, located, shown_name, warned
from seatrial.agent.builds.outcome import oom_kills
from seatrial.agent.commands.logged import MOST_BYTES
from seatrial.agent.commands.running import TooMuchOutput
from seatrial.agent.engine import Engine
from seatrial.agent.recipes.dockerfile import Dockerfile, read_dockerfile
from seatrial.agent.vocabulary.errors import AgentError, BuilderFailed, BuildError
from seatrial.agent.vocabulary.labels import LAYERS
from seatrial.agent.vocabulary.logs import Log
from seatrial.wire.counted import counted

DOCKERFILE, IGNORE, BUNDLE = "Dockerfile", "Dockerfile.dockerignore", "authorities.pem"
RESERVED = "BUILDKIT_"  # how arguments begin that tell BuildKit what to do, such as which frontend to fetch
DAY_HOURS = 24


@dataclass(frozen=True)
class _Input:
    """One build, prepared."""

    request: BuildRequest
    context: Path
    dialect: BuildKitDialect
    bases: Mapping[str, Base]  # by their names in the Dockerfile
    names: dict[str, str]
    daemon: Daemon
    scope: str
    folders: Mapping[str, Path]  # further contexts, by what the daemon calls them


@dataclass
class BuildKitBuilder:
    """`Builder` with BuildKit. `address` is empty for the engine's own. `data` holds what only builds need; it may be deleted while nothing
    builds.

    A build that would be less isolated than `network` promises is refused. Where steps of all builds share a network, one build runs
    at a time. `fence` puts up the rules for the daemon's bridge, and says whether they stand. `prunes`: of what other builders keep.
    """

    engine: Engine
    images: Images  # provides the base images (FROM)
    data: Path
    network: str = "isolated"  # none | isolated
    address: str = ""
    certificates: Path | None = None
    fence: Callable[[], Awaitable[bool]] | None = None
    timeout_seconds: float = 1800.0
    pauses_seconds: Sequence[float] = PAUSES_SECONDS
    least_free_mb: int = 0
    prunes: Sequence[Callable[[float], Awaitable[None]]] = ()
    name: str = "buildkit"
    _begun: bool = False
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)
    _layouts: Layouts = field(init=False)

    def __post_init__(self) -> None:
        self._layouts = Layouts(self.engine, self.data / "bases")

    async def build(self, request: BuildRequest, log: Log) -> None:
        """See `Builder.build`. Raises BuilderFailed as well, where the settings cannot be kept or no daemon answers."""

        async def attempt() -> None:
            async with hosts_fault():
                await self._build(request, log)

        await repeated(attempt, log, request.service, self.pauses_seconds)

    async def prune(self, unused_days: float) -> None:
        """Remove what no build used for that long: base images that were handed over, and the layers of a daemon of our own. The
        engine's own BuildKit keeps to the engine's limits. Safe at any time."""
        for prune in self.prunes:
            await prune(unused_days)
        await asyncio.to_thread(self._layouts.prune, unused_days)
        if self.address:
            hours = round(unused_days * DAY_HOURS)
            with contextlib.suppress(AgentError, OSError):  # a daemon that is away has nothing to prune
                async with self._client() as client:
                    await client.asked("prune", "--force", "--filter", f"until={hours}h", timeout_seconds=600)

    async def facts(self) -> Facts:
        """What builds here, and what is wrong with it. It raises nothing."""
        found = await symptom(self.engine)
        problems = [found] if found else []
        try:
            async with self._client() as client:
                daemon = await look(client, self.engine)
                refused = await self._refused(daemon)
        except (AgentError, OSError, TooMuchOutput) as error:
            return Facts("BuildKit", [*problems, str(error)])
        if daemon.has_holes:
            problems.append(f"{daemon.called} has known holes ({HOLES}): update it, or build with buildah")
        return Facts(daemon.called, [*problems, *([refused] if refused else [])])

    async def _build(self, request: BuildRequest, log: Log) -> None:
        """Raises Interrupted as well."""
        if request.seconds is not None:
            raise BuildError(
                f"{request.service}: BuildKit gives files the time of their build. Build what must have the same bytes with buildah"
            )
        context, dockerfile = located(request)
        raw = dockerfile.read_bytes() if dockerfile else request.build.dockerfile_inline.encode()
        parsed = read_dockerfile(shown_name(request.build), raw, request.build.args)
        async with self._client() as client:
            daemon = await look(client, self.engine)
            if why := await self._refused(daemon):
                raise BuilderFailed(f"{request.service}: {why}")
            given = await self._given(request, context, parsed, daemon, log)
            result = self._result(client.folder, daemon)
            await self._prepare(client.folder, given, raw, dockerfile, log)
            turn = self._alone if self._takes_turns(daemon) else contextlib.nullcontext()
            async with turn, result:
                await self._run(client, given, result, log)
                await self._deliver(given, parsed, await result.image(self.engine))

    @contextlib.asynccontextmanager
    async def _client(self) -> AsyncIterator[Buildx]:
        await self._begin()
        async with opened(self.data / "work" / secrets.token_hex(8), self.engine.url, self.address) as client:
            yield client

    async def _begin(self) -> None:
        """Once per process: remove what killed agents left."""
        async with self._lock:
            if self._begun:
                return
            await asyncio.to_thread(shutil.rmtree, self.data / "work", ignore_errors=True)
            await EngineResult.remove_left(self.engine, self.mark)
            self._begun = True

    @property
    def mark(self) -> str:
        """Whose the unfinished images are."""
        return hashlib.sha256(str(self.data.resolve()).encode()).hexdigest()[:12]

    async def _refused(self, daemon: Daemon) -> str:
        asked = self.fence is not None and self.network != "none" and not daemon.embedded
        fenced = self.fence is not None and asked and await self.fence()
        return await less_isolated(daemon, self.network, self.engine, fenced=fenced)

    def _takes_turns(self, daemon: Daemon) -> bool:
        return daemon.shares_network and self.network != "none"

    def _result(self, folder: Path, daemon: Daemon) -> Result:
        return EngineResult(self.engine, folder, self.mark) if daemon.embedded else LayoutResult(folder)

    async def _given(
        self, request: BuildRequest, context: Path, parsed: Dockerfile, daemon: Daemon, log: Log
    ) -> _Input:
        further = Further.of(request)
        wanted = further.wanted(parsed, request.build.target)
        images = further.given_by(self.images)
        bases = await together(
            on_the_engine(self.engine, images, one, log) for one in dict.fromkeys(wanted.values())
        )
        named = by_names(bases, wanted)
        scope = hashlib.sha256(request.cache_scope.encode()).hexdigest()[:12]
        names = {
            name: b.reference if daemon.embedded else f"galley-base-{b.id[-12:]}" for name, b in named.items()
        }
        folders = {f"galley-context-{number}": path for number, path in enumerate(further.folders.values())}
        names |= dict(zip(further.folders, folders, strict=True))
        dialect = BuildKitDialect(
            shown_name(request.build),
            (0, 0),
            {name: brought_along(base, name) for name, base in named.items()},
            request.build.args,
            request.build.target,
            request.build.contexts.folders,
            names=names,
            scope=scope,
            fetches=not daemon.embedded and self.network != "none",
            old=daemon.old,
            called=daemon.called,
            certificates=self.certificates is not None,
        )
        return _Input(request, context, dialect, named, names, daemon, scope, folders)

    async def _prepare(
        self, folder: Path, given: _Input, raw: bytes, dockerfile: Path | None, log: Log
    ) -> None:
        """Write what the build reads into `folder`."""
        (folder / DOCKERFILE).write_bytes(given.dialect.adapted(raw))
        left_out = [name for name in given.request.build.args if name.startswith(RESERVED)]
        for name in left_out:
            await log(
                f"{given.request.service}: the build argument {name} is left out: what it sets is the platform's"
            )
        for note in [*given.dialect.notes, *given.dialect.warnings]:
            await log(note)
        beside = dockerfile.with_name(f"{dockerfile.name}.dockerignore") if dockerfile else None
        if beside and beside.is_file() and not beside.is_symlink():
            shutil.copyfile(beside, folder / IGNORE)
        if self.certificates:
            (folder / BUNDLE).write_bytes(trust.bundle(self.certificates))

    async def _arguments(self, folder: Path, given: _Input, result: Result) -> Sequence[str]:
        request = given.request
        arguments = ["build", "--progress=rawjson", "--file", str(folder / DOCKERFILE), *result.arguments]
        arguments += ["--network", "none" if self.network == "none" else "default"]
        values = {n: v for n, v in request.build.args.items() if not n.startswith(RESERVED)}
        if self.certificates:
            values |= dict.fromkeys(trust.VARIABLES, trust.INSIDE)
            arguments += ["--secret", f"id={secret(given.scope)},src={folder / BUNDLE}"]
        values[f"{RESERVED}CACHE_MOUNT_NS"] = given.scope  # caches of steps are a project's own, too
        for name, value in values.items():
            arguments += ["--build-arg", f"{name}={value}"]
        if request.no_cache:
            arguments.append("--no-cache")
        if not given.daemon.embedded:
            for called, base in {base.id: (name, base) for name, base in given.bases.items()}.values():
                arguments += ["--build-context", f"{given.names[called]}={await self._layouts.of(base.id)}"]
        for name, path in given.folders.items():
            arguments += ["--build-context", f"{name}={path}"]
        return [*arguments, str(given.context)]

    async def _run(self, client: Buildx, given: _Input, result: Result, log: Log) -> None:
        request = given.request
        progress, sent = Progress(given.dialect.counted, given.dialect.labels), 0

        async def heed(line: str) -> None:
            nonlocal sent
            for one in progress.heed(line):
                sent += len(one)
                if sent <= MOST_BYTES:
                    await log(one)

        arguments = await self._arguments(client.folder, given, result)
        kills, disk = oom_kills(), await self._disk(given.daemon)
        try:
            running = client.reported(arguments, heed, self.timeout_seconds)
            code = await space.watched(running, disk, self.least_free_mb, request.service)
        except TimeoutError as error:
            raise BuildError(
                f"the build of {request.service} did not end within {counted(round(self.timeout_seconds / 60), 'minute')}"
            ) from error
        for one in progress.rest():
            await log(one)
        if sent > MOST_BYTES:
            await log(f"... {counted(sent - MOST_BYTES, 'byte')} of output left out")
        if code:
            raise Outcome(request.service, code, progress, oom_kills() > kills).problem()

    async def _disk(self, daemon: Daemon) -> Path:
        """A folder on the disk that the build writes to: the engine's, if it is to be seen from here."""
        root = Path((await self.engine.machine()).root or "/nowhere")
        return root if await asyncio.to_thread(root.is_dir) else self.data

    async def _deliver(self, given: _Input, parsed: Dockerfile, image: BuiltImage) -> None:
        request = given.request
        image.check_volumes(request.service)
        target = request.build.target
        check = healthcheck(parsed, target) or check_of(given.bases, parsed.base(target))
        labels = {
            **request.labels,
            **warned(list(given.bases.values()), given.dialect.warnings),
            LAYERS: given.scope,
        }
        held = [base.layers for base in given.bases.values()]
        await deliver(self.engine, image.with_healthcheck(check), request.tag, labels, request.service, held)
