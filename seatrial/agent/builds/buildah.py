"""Rootless builds with buildah: no daemon, no engine socket, own namespaces, layers kept per project."""

import asyncio
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial import files
from seatrial.agent.builds import archive, loading, space, trust
from seatrial.agent.builds.account import Account, ensure_account
from seatrial.agent.builds.base import BuildRequest, Images
from seatrial.agent.builds.bases import Base, Bases
from seatrial.agent.builds.cell import Cell
from seatrial.agent.builds.dialect import Dialect, buildah_version
from seatrial.agent.builds.fence import Fence
from seatrial.agent.builds.healthcheck import healthcheck
from seatrial.agent.builds.layers import Layers
from seatrial.agent.commands import logged
from seatrial.agent.commands.programs import find
from seatrial.agent.engine import Engine
from seatrial.agent.recipes.dockerfile import read_dockerfile
from seatrial.agent.vocabulary.errors import BuildError, NoSpace
from seatrial.agent.vocabulary.logs import Log, quiet
from seatrial.wire.counted import counted

NOISE = re.compile(r"time=\"[^\"]*\" level=(warning|info)|Getting image source|Copying (blob|config)|Writing manifest|Storing signatures|COMMIT oci:|--> $")  # fmt: skip
FAILED_STEP = re.compile(r'building at STEP "(?P<step>.*)": (?:while running runtime: )?(?P<why>.*)$')
SLIRP_NAME_SERVER = "10.0.2.3"


@dataclass(frozen=True)
class BuildInput:
    """The input of a build: the request, its context and Dockerfile on the host, and the Dockerfile in buildah's dialect."""

    request: BuildRequest
    context: Path
    dockerfile: Path
    translated: bytes | None


@dataclass
class BuildahBuilder:
    """`Builder` with buildah. `layers.data` holds stores and layer caches; it may be deleted while nothing builds."""

    engine: Engine
    bases: Bases
    images: Images  # where what a build begins FROM comes from
    layers: Layers
    network: str = "isolated"  # none | isolated
    # A PEM bundle that RUN steps trust, for hosts behind their own authority.
    certificates: Path | None = None
    timeout_seconds: float = 1800.0
    least_free_mb: int = 0  # of the data's disk: a build that leaves less is stopped
    fence: Fence = field(default_factory=Fence)
    name: str = "buildah"
    _account: Account | None = None
    _entered: set[str] = field(default_factory=set)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def data(self) -> Path:
        """The folder of stores and layer caches."""
        return self.layers.data

    async def build(self, request: BuildRequest, log: Log) -> None:
        """See `Builder.build`."""
        async with self.layers.used(scope_folder(request.cache_scope)):
            await self._build(request, log)

    async def prune(self, unused_days: float) -> None:
        """Remove layers and base images that no build used for that long, and partial files of killed builds. Safe at any
        time."""
        account = await self._known_account()
        halves = [path for folder in ("incoming", "scratch") for path in (self.data / folder).glob("*")]
        await asyncio.to_thread(files.remove_abandoned, halves)

        async def remove_scope(scope: str) -> None:
            await self._remove(self.data / "scopes" / scope, account)

        async def remove_bases(kept: set[str]) -> None:
            scopes = self.layers.scopes()
            if scopes:
                await self.bases.forget(Cell(self.data, scopes[0], account), kept=kept)
            elif self.data.is_dir():
                await self._remove(self.data / "bases", account)
                (self.data / "bases.json").unlink(missing_ok=True)

        await self.layers.prune(unused_days, remove_scope, remove_bases)

    async def _remove(self, folder: Path, account: Account) -> None:
        """Builds of an ordinary user leave files owned by subordinate ids, which can only be removed in a user namespace."""
        if account.other:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        else:
            command = ["buildah", "unshare", "rm", "-rf", str(folder)]
            await logged.run(command, quiet, environment=os.environ, timeout_seconds=600)

    async def _build(self, request: BuildRequest, log: Log) -> None:
        context, dockerfile = located(request)
        raw = dockerfile.read_bytes()
        parsed = read_dockerfile(request.build.dockerfile, raw, request.build.args)
        cell = await self._cell(request.cache_scope)
        await asyncio.to_thread(self._prepare_host, cell, request.context_root)
        wanted = parsed.external_images(request.build.target)
        bases = await self.bases.prepare(cell, self.images, wanted, log)
        self.layers.note(cell, [base.id for base in bases])
        archive.mark(cell.outside("blobs", "sha256"), [digest for base in bases for digest in base.layers])
        given = BuildInput(request, context, dockerfile, await self._translated(request, raw, bases, log))
        check = healthcheck(parsed, request.build.target) or check_of(
            bases, parsed.base(request.build.target)
        )
        image = (await self._built(cell, given, log)).with_healthcheck(check)
        try:
            await loading.load(self.engine, image.archive(request.tag, request.labels), request.service)
        except BuildError:
            # The engine has lost a layer, or wants all of them: write every layer out and try once more.
            if not image.forget_loaded():
                raise
            image = (await self._built(cell, given, quiet)).with_healthcheck(check)
            await loading.load(self.engine, image.archive(request.tag, request.labels), request.service)
        image.mark_loaded()

    async def _translated(
        self, request: BuildRequest, raw: bytes, bases: Sequence[Base], log: Log
    ) -> bytes | None:
        """The Dockerfile in the dialect of this buildah; None if it needs no change."""
        workdirs = {base.name: str(base.config.get("WorkingDir") or "/") for base in bases}
        dialect = Dialect(request.build.dockerfile, await buildah_version(), workdirs, request.build.args)
        translated = dialect.adapted(raw)
        for note in dialect.notes:
            await log(note)
        return None if translated == raw else translated

    def _prepare_host(self, cell: Cell, root: Path) -> None:
        if cell.account.other:
            root.chmod(0o755)  # bound into the cell under its own mode; the folders above stay closed
        if self.certificates:
            if not self.certificates.is_file():
                raise BuildError(
                    f"GALLEY_BUILD_CA_FILE: there is no file {self.certificates}. Correct or unset it"
                )
            trust.prepare(self.certificates, cell.data / "tools", find("runc") or "runc")

    async def _cell(self, scope: str) -> Cell:
        """The scope's cell. On first use, leftovers of killed builds are removed from it."""
        account = await self._known_account()
        async with self._lock:
            cell = Cell(self.data, scope_folder(scope), account)
            if cell.scope not in self._entered or not cell.outside().exists():
                await asyncio.to_thread(cell.prepare)
                await asyncio.to_thread(empty, cell.outside("out"))
                if not (
                    self.data / "bases/store/overlay-layers"
                ).exists():  # read-only for builds: made before
                    await self._once(cell.buildah("images", store="bases"), cell)
                if cell.outside("store").exists():
                    await self._once(cell.buildah("rm", "--all"), cell)
                self._entered.add(cell.scope)
            return cell

    async def _known_account(self) -> Account:
        async with self._lock:
            self._account = self._account or await ensure_account()
            return self._account

    async def _once(self, command: list[str], cell: Cell) -> None:
        await logged.run(command, quiet, environment=cell.environment(), timeout_seconds=120)

    async def _built(self, cell: Cell, given: BuildInput, log: Log) -> archive.BuiltImage:
        out = cell.outside("out", secrets.token_hex(8))
        out.mkdir()
        shutil.chown(out, cell.account.uid, cell.account.gid)
        (out / "blobs").symlink_to("../../blobs")
        translated = out.with_suffix(".Dockerfile")
        try:
            if given.translated is not None:
                translated.write_bytes(given.translated)
            command = cell.buildah(
                *await self._arguments(cell, given, out.name),
                context=given.request.context_root,
                network=self.network != "none",
            )
            await self._run(cell, given.request, command, log)
            return await asyncio.to_thread(archive.read_layout, out, cell.outside("blobs", "sha256"))
        finally:
            translated.unlink(missing_ok=True)
            await asyncio.to_thread(shutil.rmtree, out, ignore_errors=True)

    async def _run(self, cell: Cell, request: BuildRequest, command: list[str], log: Log) -> None:
        async def without_noise(line: str) -> None:
            if not NOISE.match(line):
                await log(line)

        try:
            environment = cell.environment()
            if self.certificates:  # for what buildah fetches itself
                environment["SSL_CERT_FILE"] = cell.folder("tools", trust.FILE)
            running = logged.run(
                command, without_noise, environment=environment, timeout_seconds=self.timeout_seconds
            )
            ended = await space.watched(running, self.data, self.least_free_mb, request.service)
        except NoSpace:
            # Remove what this build wrote, but nothing of finished builds.
            await self._once(cell.buildah("rm", "--all"), cell)
            raise
        except TimeoutError as error:
            raise BuildError(
                f"the build of {request.service} did not end within {counted(round(self.timeout_seconds / 60), 'minute')}"
            ) from error
        if ended.code:
            raise failure(request.service, [line for line in ended.tail if not NOISE.match(line)], ended.code)

    async def _arguments(self, cell: Cell, given: BuildInput, out: str) -> Sequence[str]:
        request = given.request
        root = Path(cell.folder("context")) if cell.account.other else request.context_root
        real = request.context_root.resolve()
        arguments = ["bud", "--format", "docker", "--isolation", "rootless", "--runtime", find("runc") or "runc",
                     "--layers", "--pull-never", *await self._network(cell)]  # fmt: skip
        if self.certificates:
            arguments += trust.arguments(cell.folder("tools"))
        if request.no_cache:
            arguments.append("--no-cache")
        if request.build.target:
            arguments += ["--target", request.build.target]
        for name, value in request.build.args.items():
            arguments += ["--build-arg", f"{name}={value}"]
        beside = given.dockerfile.with_name(f"{given.dockerfile.name}.dockerignore")
        file = root / given.dockerfile.relative_to(real)
        if given.translated is not None:
            file = Path(cell.folder("scope", "out", f"{out}.Dockerfile"))
        if beside.is_file() and not beside.is_symlink():
            arguments += ["--ignorefile", str(root / beside.relative_to(real))]
        return [*arguments, "--file", str(file), "--tag", f"oci:{cell.folder('scope', 'out', out)}:image",
                str(root / given.context.relative_to(real))]  # fmt: skip

    async def _network(self, cell: Cell) -> list[str]:
        await self.fence.raise_for(cell.account)
        if self.network == "none" or find("slirp4netns") is None:
            return ["--network", "none"]
        return ["--dns", SLIRP_NAME_SERVER]


def located(request: BuildRequest) -> tuple[Path, Path]:
    """(context, Dockerfile), both really inside the exported tree. Raises BuildError."""
    root = request.context_root.resolve()
    context = (root / request.build.path).resolve()
    dockerfile = (root / request.build.path / request.build.dockerfile).resolve()
    for path, what in ((context, request.build.path), (dockerfile, request.build.dockerfile)):
        if not path.is_relative_to(root):
            raise BuildError(f"{what} leads out of the repository. Commit the file itself, not a link")
    if not context.is_dir() or not dockerfile.is_file():
        raise BuildError(
            f"there is no {request.build.dockerfile} in {request.build.path}. Add it, or correct the path"
        )
    return context, dockerfile


def check_of(bases: Sequence[Base], name: str) -> Mapping[str, Any] | None:
    """The HEALTHCHECK that an image inherits from its base image."""
    return next((base.config.get("Healthcheck") for base in bases if base.name == name), None)


def scope_folder(scope: str) -> str:
    """A short folder name for any scope: overlay's mount options must stay short."""
    return hashlib.sha256(scope.encode()).hexdigest()[:12]


def empty(folder: Path) -> None:
    """Remove what is in `folder`."""
    for entry in folder.iterdir():
        shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)


def failure(service: str, tail: list[str], code: int) -> BuildError | NoSpace:
    """What went wrong, from buildah's last lines."""
    text = "\n".join(tail)
    if "no space left on device" in text.lower():
        return NoSpace(
            f"{service}: no space left while building. Free disk space, then rebuild",
            service=service,
            log_tail=tail,
        )
    last = next((line for line in reversed(tail) if line.startswith("Error:")), tail[-1] if tail else "")
    match = FAILED_STEP.search(last)
    if match:
        problem = f"{service}: `{match['step'][:200]}` failed: {match['why'][:500]}"
    else:
        problem = f"{service}: the build failed: {last.removeprefix('Error: ')[:500] or f'exit code {code}'}"
    return BuildError(problem, service=service, log_tail=tail)
