"""Builds each image with the agent's own builder: rootless, in a cell, without the engine."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.images.context import PROGRAMS, Source
from seatrial.agent.builds.assembly import docker_builds, for_sandboxes
from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.standins import BROWSER, stand_in_for
from seatrial.agent.engine import Engine
from seatrial.agent.recipes.recipe import Build
from seatrial.agent.sandboxes.image import PROGRAM_LABEL, program_label
from seatrial.agent.sandboxes.program import find_program
from seatrial.agent.vocabulary.errors import ImageUnavailable
from seatrial.agent.vocabulary.labels import CACHE
from seatrial.agent.vocabulary.logs import Log

BASE = "python:3.11-slim-bookworm"
PLAIN_BASE = "debian:bookworm-slim"
OURS = ("galley-server", "galley-agent", "gitgrit-sandbox")
SANDBOX_BASE = "python:3.13-slim-trixie"
RECIPE = "galley.recipe"


@dataclass(frozen=True)
class Other:
    """A program of others: its name here, the image, the variable that names another one, and the folder of its stand-in here."""

    name: str
    image: str
    variable: str
    folder: str = ""


OTHERS = (
    Other("postgres", "postgres:15", "GALLEY_POSTGRES_IMAGE"),  # the agent has a stand-in for it
    Other("bus", "nats:2.15-alpine", "GALLEY_BUS_IMAGE", "nats"),
    Other("traefik", "traefik:v3.7", "GALLEY_TRAEFIK_IMAGE", "traefik"),
    Other("haproxy", "haproxy:2.6", "GALLEY_ENGINE_PROXY_IMAGE", "haproxy"),
)


@dataclass
class Maker:
    """`folder` is the context of every build, `data` what the builder keeps."""

    engine: Engine
    data: Path
    source: Source
    folder: Path
    log: Log

    def __post_init__(self) -> None:
        """Builds need the distribution's mirror, so the network is the builder's own default."""
        self._builder, self._images, self._stand_ins = docker_builds(
            self.engine, self.data / "builder", "isolated"
        )

    async def ours(self, only: Sequence[str] = ()) -> list[str]:
        """Build the three images, or `only` some of them; returns their names."""
        names = [name for name in OURS if not only or name in only]
        return list(await asyncio.gather(*(self._ours(name) for name in names)))

    async def _ours(self, name: str) -> str:
        tag = f"{name}:{self.source.tag}"
        labels = {PROGRAM_LABEL: program_label(find_program())} if name == "gitgrit-sandbox" else {}
        file = f"source/deploy/{name}/Dockerfile"
        args = {"BASE": await self._base(name), **self.source.arguments}
        await self._build(name, file, args, tag, labels, self.source.seconds)
        return tag

    async def _base(self, name: str) -> str:
        if name != "gitgrit-sandbox":
            return BASE
        return await for_sandboxes(self._images, self.data / "builder").ensure(SANDBOX_BASE, self.log)

    async def browser(self) -> str:
        """Have the image that screenshots are taken with on the engine, of the distribution's packages; returns its name there."""
        browser = stand_in_for(BROWSER)
        assert browser is not None
        return await self._stand_ins.make(browser, self.log)

    async def of_others(self) -> dict[Other, str]:
        """Have the programs of others on the engine; returns what each is called there: its image, or a stand-in."""
        found = await asyncio.gather(*(self._other(other) for other in OTHERS))
        return dict(zip(OTHERS, found, strict=True))

    async def _other(self, other: Other) -> str:
        try:
            return await self._images.ensure(other.image, self.log)
        except ImageUnavailable:
            if not other.folder:
                raise
        tag = f"seatrial/stand-in-{other.folder}:{other.image.partition(':')[2]}"
        recipe = self._recipe(other.folder)
        image = await self.engine.images.get(tag)
        if image is None or image.labels.get(RECIPE) != recipe:
            file = f"source/deploy/stand-ins/{other.folder}/Dockerfile"
            await self._build(
                other.folder, file, {"BASE": PLAIN_BASE}, tag, {CACHE: "true", RECIPE: recipe}, 0
            )
        return tag

    def _recipe(self, name: str) -> str:
        """A digest of what a stand-in is made from."""
        files = sorted((self.folder / "source/deploy/stand-ins" / name).iterdir())
        files += [self.folder / "programs" / program for program in PROGRAMS if program.startswith(name)]
        return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]

    async def _build(
        self, name: str, file: str, args: dict[str, str], tag: str, labels: dict[str, str], seconds: int
    ) -> None:
        async def named(line: str) -> None:
            await self.log(f"{name}: {line}")

        request = BuildRequest(
            service=name,
            build=Build(dockerfile=file, args=args),
            context_root=self.folder,
            tag=tag,
            labels=labels,
            cache_scope="images of the product",
            no_cache=True,  # a layer of an earlier build has that one's time
            seconds=seconds,
        )
        await self._builder.build(request, named)
