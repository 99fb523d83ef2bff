"""Rootless builds with buildah: no daemon, no engine socket, own namespaces, layers kept per project."""

import asyncio
import contextlib
import hashlib
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seatrial import files
from seatrial.agent.builds import archive, handed, isolation, memory, space, stuck, trust
from seatrial.agent.builds.account import Account, ensure_account
from seatrial.agent.builds.attempts import PAUSES_SECONDS, Interrupted, hosts_fault, repeated
from seatrial.agent.builds.base import BuildRequest, Facts, Images
from seatrial.agent.builds.bases import Base, Bases
from seatrial.agent.builds.buildkit.symptom import symptom
from seatrial.agent.builds.cell import Cell
from seatrial.agent.builds.content import Content
from seatrial.agent.builds.contexts import Further, by_names
from seatrial.agent.builds.delivery import Delivery
from seatrial.agent.builds.dialect import Dialect, buildah_version
from seatrial.agent.builds.fence import BuildFence
from seatrial.agent.builds.healthcheck import healthcheck
from seatrial.agent.builds.inputs import (
    BuildInput,
    brought_along,
    check_of,
    is_last,
    located,
    shown_name,
    warned,
)
from seatrial.agent.builds.layers import Layers
from seatrial.agent.builds.outcome import NOISE, Outcome, given_text, oom_kills, shown
from seatrial.agent.builds.twins import made_of, twin
from seatrial.agent.builds.walls import walls
from seatrial.agent.builds.weighing import held_below
from seatrial.agent.commands import logged
from seatrial.agent.commands.programs import find
from seatrial.agent.engine import Engine
from seatrial.agent.recipes.dockerfile import read_dockerfile
from seatrial.agent.vocabulary.build_isolation import BuildIsolation
from seatrial.agent.vocabulary.errors import BuilderFailed, BuildError, NoSpace
from seatrial.agent.vocabulary.logs import Log, quiet
from seatrial.wire.counted import counted

FOR_EVER_DAYS = 36_500.0  # nothing was unused for as long
DOCKERFILE = "Dockerfile"  # in the folder of an image, in buildah's dialect


@dataclass
class BuildahBuilder:
    """`Builder` with buildah. `layers.data` holds stores and layer caches; it may be deleted while nothing builds. What one `isolation` has
    written there is of no use to the other.

    Where `isolation` cannot be kept on this host, a build is refused: nothing is built with fewer walls than it promises."""

    engine: Engine
    bases: Bases
    images: Images  # provides the base images (FROM)
    layers: Layers
    network: str = "isolated"  # none | isolated
    # A PEM bundle that RUN steps trust, for hosts behind their own authority.
    certificates: Path | None = None
    timeout_seconds: float = 1800.0
    pauses_seconds: Sequence[float] = PAUSES_SECONDS  # before further attempts of an interrupted build
    least_free_mb: int = 0  # that must stay free on the disk of the data: a build that leaves less is stopped
    memory_mb: int = 0  # the most that the processes of one build use together; 0: no limit
    fence: BuildFence = field(default_factory=BuildFence)
    isolation: BuildIsolation = BuildIsolation.USERNS
    name: str = "buildah"
    _account: Account | None = None
    _entered: set[str] = field(default_factory=set)
    _unfinished: set[str] = field(default_factory=set)  # scopes with what killed builds wrote
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def data(self) -> Path:
        """The folder of stores and layer caches."""
        return self.layers.data

    async def build(self, request: BuildRequest, log: Log) -> None:
        """See `Builder.build`. Raises BuilderFailed as well, where the isolation cannot be kept."""
        if why := isolation.refused(self.isolation):
            raise BuilderFailed(f"{request.service}: {why}")
        async with self.layers.used(scope_folder(request.cache_scope)):
            await repeated(lambda: self._attempt(request, log), log, request.service, self.pauses_seconds)

    async def prune(self, unused_days: float) -> None:
        """Remove layers and base images that no build used for that long, and partial files of killed builds. Safe at any
        time."""
        account = await self._known_account()
        halves = [
            path
            for folder in ("incoming", "scratch", "scopes/*/out")
            for path in self.data.glob(f"{folder}/*")
        ]
        await asyncio.to_thread(files.remove_abandoned, halves)

        async def remove_scope(scope: str) -> None:
            await self._remove(self.data / "scopes" / scope, account)

        async def remove_bases(kept: set[str]) -> None:
            scopes = self.layers.scopes()
            if scopes:
                await self.bases.forget(Cell(self.data, scopes[0], account, self.isolation), kept=kept)
            elif self.data.is_dir():
                await self._remove(self.data / "bases", account)
                (self.data / "bases.json").unlink(missing_ok=True)

        await self.layers.prune(unused_days, remove_scope, remove_bases)

    async def shrink(self, most_bytes: int) -> None:
        """Remove layers that were not used for longest until all of the cache holds at most `most_bytes`. Safe at any time; base
        images that nothing stands on any more go with the next `prune`."""
        account = await self._known_account()

        async def over() -> bool:
            return await asyncio.to_thread(held_below, self.data) > most_bytes

        async def remove_scope(scope: str) -> None:
            await self._remove(self.data / "scopes" / scope, account)

        if most_bytes and await self.layers.shrink(over, remove_scope):
            await self.prune(FOR_EVER_DAYS)

    async def facts(self) -> Facts:
        """What builds here, and what is wrong with it. It raises nothing."""
        found = await symptom(self.engine)
        refused = isolation.refused(self.isolation)
        problems = [one for one in (found, refused) if one]
        lacks = isolation.lacking(self.isolation, authorities=self.certificates is not None)
        try:
            major, minor = await buildah_version()
        except (Interrupted, OSError):
            return Facts("buildah", problems, lacks)  # whose absence the host's other lines tell
        return Facts(f"buildah {major}.{minor}", problems, lacks)

    async def _remove(self, folder: Path, account: Account) -> None:
        """Remove `folder`. An ordinary user's builds leave files of subordinate ids, removable only in a user namespace."""
        if account.other:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        else:
            command = ["buildah", "unshare", "rm", "-rf", str(folder)]
            await logged.run(command, quiet, environment=os.environ, timeout_seconds=600)

    async def _attempt(self, request: BuildRequest, log: Log) -> None:
        async with hosts_fault():
            await self._build(request, log)

    async def _build(self, request: BuildRequest, log: Log) -> None:
        """Raises Interrupted as well."""
        context, dockerfile = located(request)
        raw = dockerfile.read_bytes() if dockerfile else request.build.dockerfile_inline.encode()
        parsed = read_dockerfile(shown_name(request.build), raw, request.build.args)
        cell = await self._cell(request.cache_scope)
        await self._tidy(cell)
        await asyncio.to_thread(self._prepare_host, cell, request.context_root)
        further = Further.of(request)
        wanted = further.wanted(parsed, request.build.target)
        images = list(dict.fromkeys(wanted.values()))
        bases = await self.bases.prepare(cell, further.given_by(self.images), images, log)
        self.layers.note(cell, [base.id for base in bases])
        named = by_names(bases, wanted)
        given = await self._given(request, context, dockerfile, raw, named, log)
        if is_last(parsed, request.build.target) and not any(base.config.get("OnBuild") for base in bases):
            given = given.without_declared(raw)
        base = parsed.base(request.build.target)
        check = healthcheck(parsed, request.build.target) or check_of(named, base)
        made = made_of(request, bases)
        labels = {**request.labels, **warned(bases, given.warnings), **made}
        delivery = Delivery(self.engine, cell.scope, request.tag, labels, request.service)
        if not request.no_cache and await delivery.copied(await twin(self.engine, cell.scope, made)):
            await log(f"{request.service}: made of the same as an image of this project, so nothing is built")
            return
        async with contextlib.AsyncExitStack() as outputs:

            async def write(held: Collection[str], *, again: bool) -> archive.BuiltImage:
                out = await outputs.enter_async_context(archive.opened_layout(cell, held))
                image = await self._written(cell, given.again() if again else given, out, quiet if again else log)  # fmt: skip
                return image.declaring(given.declared).with_healthcheck(check)

            await delivery.run(write, [base.layers for base in bases])

    async def _given(
        self,
        request: BuildRequest,
        context: Path,
        dockerfile: Path | None,
        raw: bytes,
        bases: Mapping[str, Base],
        log: Log,
    ) -> BuildInput:
        folders = Further.of(request).folders
        dialect = Dialect(
            shown_name(request.build),
            await buildah_version(),
            {name: brought_along(base, name) for name, base in bases.items()},
            request.build.args,
            request.build.target,
            folders,
            request.secrets,
            request.ssh,
            Content(context, folders),
        )
        translated = await asyncio.to_thread(dialect.adapted, raw)
        for note in [*dialect.notes, *dialect.warnings]:
            await log(note)
        unchanged = dockerfile is not None and translated == raw
        return BuildInput(
            request, context, dockerfile, None if unchanged else translated, dialect.steps, dialect.warnings
        )

    def _prepare_host(self, cell: Cell, root: Path) -> None:
        if cell.account.other:
            root.chmod(0o755)  # bound into the cell under its own mode; the folders above stay closed
        if self.certificates:
            trust.prepare(self.certificates, cell.data / "tools", find("runc") or "runc")

    async def _cell(self, scope: str) -> Cell:
        """The scope's cell. On first use, leftovers of killed builds are removed from it."""
        account = await self._known_account()
        async with self._lock:
            cell = Cell(self.data, scope_folder(scope), account, self.isolation)
            if cell.scope not in self._entered or not cell.outside().exists():
                await asyncio.to_thread(cell.prepare)
                await asyncio.to_thread(empty, cell.outside("out"))
                made = (
                    self.data / "bases/store/overlay-layers"
                ).exists()  # read-only for builds: made before
                if not made and await self._once(cell.buildah("images", store="bases"), cell):
                    raise Interrupted("the store of base images could not be made")
                if cell.holds_containers:
                    await self._once(cell.buildah("rm", "--all"), cell)
                self._entered.add(cell.scope)
            return cell

    async def _known_account(self) -> Account:
        async with self._lock:
            self._account = self._account or await ensure_account()
            return self._account

    async def _once(self, command: list[str], cell: Cell) -> int:
        return (await logged.run(command, quiet, environment=cell.environment(), timeout_seconds=120)).code

    async def _written(self, cell: Cell, given: BuildInput, out: Path, log: Log) -> archive.BuiltImage:
        if given.translated is not None:
            (out / DOCKERFILE).write_bytes(given.translated)
        await asyncio.to_thread(handed.write, given.request, out, cell.account)
        command = cell.buildah(
            *await self._arguments(cell, given, out.name),
            context=given.request.context_root,
            network=self.network != "none",
        )
        await self._run(cell, given, command, destination(cell, out.name), log)
        image = await asyncio.to_thread(archive.read_layout, out)
        image.check_volumes(given.request.service)
        return image

    async def _run(self, cell: Cell, given: BuildInput, command: list[str], mark: str, log: Log) -> None:
        request, began = given.request, ""

        async def in_its_own_words(line: str) -> None:
            nonlocal began
            if not NOISE.match(line):
                began = given_text(line) or began
                await log(shown(line, given.steps, began))

        environment = cell.environment()
        if self.certificates:  # for what buildah fetches itself
            environment["SSL_CERT_FILE"] = cell.folder("tools", trust.FILE)
        kills = oom_kills()
        try:
            running = logged.run(
                command, in_its_own_words, environment=environment, timeout_seconds=self.timeout_seconds
            )
            going_on = stuck.watched(running, mark)
            bounded = memory.watched(going_on, mark, self.memory_mb, request.service)
            ended = await space.watched(bounded, self.data, self.least_free_mb, request.service)
        except TimeoutError as error:
            self._unfinished.add(cell.scope)
            raise BuildError(
                f"the build of {request.service} did not end within {counted(round(self.timeout_seconds / 60), 'minute')}"
            ) from error
        except BaseException as error:
            self._unfinished.add(cell.scope)
            if isinstance(error, NoSpace | BuildError):
                await self._tidy(cell)
            raise
        if ended.code:
            problem = Outcome(request.service, ended, given.steps, began, oom_kills() > kills).problem()
            if isinstance(problem, Interrupted):
                self._unfinished.add(cell.scope)
            raise problem

    async def _tidy(self, cell: Cell) -> None:
        """Remove what builds wrote that did not end by themselves, but nothing of finished builds, nor of those that run now:
        what they leave goes before the next."""
        if cell.scope not in self._unfinished:
            return
        async with self.layers.alone(cell.scope) as alone:
            if alone:
                await self._once(cell.buildah("rm", "--all"), cell)
                self._unfinished.discard(cell.scope)

    async def _arguments(self, cell: Cell, given: BuildInput, out: str) -> Sequence[str]:
        await self.fence.raise_for(cell.account)
        request = given.request
        root = Path(cell.folder("context")) if cell.account.other else request.context_root
        real = request.context_root.resolve()
        arguments = [
            "bud",
            "--format",
            "docker",
            "--pull-never",
            *walls(cell, self.network, trusting=bool(self.certificates)),
        ]
        if request.no_cache:
            arguments.append("--no-cache")
        # A layer that is kept for later builds has a time and an id of its own, which an image names that is made of it.
        arguments += (
            ["--layers"]
            if request.seconds is None
            else ["--layers=false", "--timestamp", str(request.seconds)]
        )
        if request.build.target:
            arguments += ["--target", request.build.target]
        for name, value in request.build.args.items():
            arguments += ["--build-arg", f"{name}={value}"]
        arguments += handed.arguments(request, Path(cell.folder("scope", "out", out)))
        for name, folder in Further.of(request).folders.items():
            arguments += ["--build-context", f"{name}={root / folder.relative_to(real)}"]
        file = Path(cell.folder("scope", "out", out, DOCKERFILE))
        if given.dockerfile is not None:
            if given.translated is None:
                file = root / given.dockerfile.relative_to(real)
            beside = given.dockerfile.with_name(f"{given.dockerfile.name}.dockerignore")
            if beside.is_file() and not beside.is_symlink():
                arguments += ["--ignorefile", str(root / beside.relative_to(real))]
        return [*arguments, "--file", str(file), "--tag", destination(cell, out),
                str(root / given.context.relative_to(real))]  # fmt: skip


def destination(cell: Cell, out: str) -> str:
    """What buildah calls the image in the folder `out`."""
    return f"oci:{cell.folder('scope', 'out', out)}:image"


def scope_folder(scope: str) -> str:
    """A short folder name for any scope: overlay's mount options must stay short."""
    return hashlib.sha256(scope.encode()).hexdigest()[:12]


def empty(folder: Path) -> None:
    """Remove what is in `folder`."""
    for entry in folder.iterdir():
        shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)
