"""Base images (FROM): each is copied once from the engine into the builder's shared, read-only store."""

import asyncio
import json
import secrets
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from seatrial import files
from seatrial.agent.builds.attempts import Interrupted
from seatrial.agent.builds.base import Images
from seatrial.agent.builds.cell import Cell
from seatrial.agent.builds.digests import DIGEST
from seatrial.agent.builds.references import WITH_LOGIN, host_of
from seatrial.agent.builds.standins import stood_in
from seatrial.agent.commands import logged
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.errors import ImageUnavailable, NoSpace
from seatrial.agent.vocabulary.logs import Log, quiet

TRANSFER_SECONDS = 900.0
T = TypeVar("T")


@dataclass(frozen=True)
class Base:
    """A base image: its name in the Dockerfile, its configuration, and the digests of its layers. `stand_in` says for people
    that it is one; empty for the image itself."""

    name: str
    id: str
    config: Mapping[str, Any]
    layers: tuple[str, ...]
    stand_in: str = ""
    reference: str = ""  # its name on the engine

    @property
    def stored(self) -> str:
        """What the shared store knows it by. Of what a project's login pulled, that is a name which no other project has."""
        return self.reference if self.reference.startswith(WITH_LOGIN) else self.name


async def on_the_engine(engine: Engine, images: Images, name: str, log: Log) -> Base:
    """The image `name`, as `images` gives it. Raises ImageUnavailable or NoSpace."""
    reference = await images.ensure(name, log)
    image = await engine.images.get(reference)
    if image is None:
        raise ImageUnavailable(f"{name} vanished from the engine while it was being read. Rebuild")
    stand_in = stood_in(name, reference, image.labels)
    return Base(name, image.id, image.config, image.layers, stand_in, reference)


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All of them side by side; the first failure cancels the others."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Bases:
    """The content of the shared store: `{name: engine image id}`, kept in a file beside it.

    Concurrency: transfers of one image wait for each other. A base whose image changed on the engine is copied again;
    the old one stays while layers of finished builds use it: see `Layers`.
    """

    engine: Engine
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def prepare(self, cell: Cell, images: Images, names: Sequence[str], log: Log) -> list[Base]:
        """Have every image of `names` in the store, as `images` gives it; the engine has all of their layers.
        Raises ImageUnavailable, NoSpace or
        Interrupted."""
        return await together(self._prepare_one(cell, images, name, log) for name in names)

    async def _prepare_one(self, cell: Cell, images: Images, name: str, log: Log) -> Base:
        base = await on_the_engine(self.engine, images, name, log)
        async with self._locks.setdefault(str(cell.data), asyncio.Lock()):
            if self._known(cell.data).get(base.stored) != base.id:
                await self._transfer(cell, base, log)
        return base

    async def _transfer(self, cell: Cell, base: Base, log: Log) -> None:
        known, image = self._known(cell.data), base.id
        if image not in known.values():
            await log(f"taking {base.name} from the engine into the build store")
            archive = cell.data / "incoming" / f"{secrets.token_hex(8)}.tar"
            try:
                await self.engine.images.save(image, archive)
                archive.chmod(0o644)
                await self._buildah(
                    cell, "pull", "--quiet", f"docker-archive:{cell.folder('incoming', archive.name)}"
                )
            finally:
                archive.unlink(missing_ok=True)
        await self._buildah(cell, "tag", image.removeprefix("sha256:"), local_name(base.stored))
        self._remember(cell.data, {**known, base.stored: image})

    async def forget(self, cell: Cell, *, kept: set[str]) -> None:
        """Remove every image except `kept` (engine ids). The caller ensures that no build runs."""
        listed: list[str] = []

        async def each(line: str) -> None:
            listed.append(line.strip())

        await self._buildah(cell, "images", "--all", "--quiet", "--no-trunc", log=each)
        gone = {image for image in listed if image.startswith("sha256:")} - kept
        if gone:
            await self._buildah(cell, "rmi", "--force", *(image.removeprefix("sha256:") for image in gone))
        known = self._known(cell.data)
        self._remember(cell.data, {name: image for name, image in known.items() if image in kept})

    async def _buildah(self, cell: Cell, *arguments: str, log: Log | None = None) -> None:
        ended = await logged.run(
            cell.buildah(*arguments, store="bases"),
            log or quiet,
            environment=cell.environment(),
            timeout_seconds=TRANSFER_SECONDS,
        )
        if ended.code:
            said = " ".join(ended.tail)[-500:]
            if "no space left on device" in said.lower():
                raise NoSpace("no space left for base images. Free disk space, then rebuild")
            raise Interrupted(f"an image could not be put into the build store: {said}")

    def _known(self, data: Path) -> dict[str, str]:
        file = data / "bases.json"
        if not file.exists():
            return {}
        known: dict[str, str] = json.loads(file.read_text())
        return known

    def _remember(self, data: Path, known: dict[str, str]) -> None:
        files.replace(data / "bases.json", json.dumps(known, indent=1))


def local_name(image: str) -> str:
    """The name under which `FROM image` finds it in a store without asking a registry. Where the image is asked for by its
    digest, the digest is our tag: only with this name in the Dockerfile is it found."""
    name = image if host_of(image) else f"localhost/{image}"
    return DIGEST.sub(r":\2", name)
