"""Stand-ins: the distribution's own packages in an image, for when no registry answers.

They are built once per host, kept (label galley.cache=true), and never pretend: the log says which version it
really is. A stand-in takes the place of an official image only, never of somebody's own.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from seatrial.agent.builds import debian, loading
from seatrial.agent.builds.base import Builder, BuildRequest, Log
from seatrial.agent.recipes.kinds import repository_name
from seatrial.agent.recipes.recipe import Build
from seatrial.agent.runtime.docker.engine import Engine

CACHE_LABEL = "galley.cache"
VERSION_LABEL = "galley.version"
RECIPES = Path(__file__).parent / "stand_ins"
PREFIX = "seatrial/stand-in-"
OFFICIAL = re.compile(r"(docker\.io/)?(library/)?[a-z0-9]+([:@].*)?")


@dataclass(frozen=True)
class StandIn:
    """One image we can make. `package` tells the version, `title` names it for people."""

    name: str
    title: str
    package: str
    serves: Sequence[str]
    refuses: str = ""  # tags it would be dishonest to stand in for


STAND_INS = (
    StandIn("debian", "Debian", "base-files", ("debian", "ubuntu")),
    StandIn("python", "Python", "python3", ("python",), r"2(\..*|-.*)?|rc-.*"),
    StandIn("postgres", "PostgreSQL", "postgresql", ("postgres",)),
    StandIn("redis", "Redis", "redis-server", ("redis",)),
    StandIn("nginx", "nginx", "nginx", ("nginx",)),
    StandIn("node", "Node.js", "nodejs", ("node",)),
    StandIn("busybox", "BusyBox", "busybox-static", ("busybox",)),
)


class MakeBase(Protocol):
    """Makes the distribution's base image."""

    async def __call__(self, tag: str, labels: Mapping[str, str], log: Log) -> None:
        """The image is on the engine as `tag` when this returns."""


def stand_in_for(image: str) -> StandIn | None:
    """The stand-in that may honestly take the place of `image`."""
    if not OFFICIAL.fullmatch(image):
        return None
    name = repository_name(image)
    tag = image.rsplit("/", 1)[-1].partition(":")[2].partition("@")[0]
    for known in STAND_INS:
        if name in known.serves and not (known.refuses and re.fullmatch(known.refuses, tag)):
            return known
    return None


@dataclass
class DebianStandIns:
    """Builds stand-ins with a `Builder` on top of a base made by debootstrap. One at a time per stand-in."""

    engine: Engine
    builder: Builder
    make_base: MakeBase
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def ensure(self, image: str, why: str, log: Log) -> str | None:
        """See `StandIns.ensure`."""
        found = stand_in_for(image)
        if found is None:
            return None
        tag = await self.make(found, log)
        await log(
            f"{image}: {why}; using the stand-in with {found.title} {await self._version(tag)} from Debian packages"
        )
        return tag

    async def prepare(self, images: Sequence[str], log: Log) -> dict[str, str]:
        """Have the stand-ins of `images` ready ahead of time: `{image: reference}`, without those that have none."""
        wanted = {image: found for image in images if (found := stand_in_for(image))}
        made = [await self.make(found, log) for found in wanted.values()]
        return dict(zip(wanted, made, strict=True))

    async def make(self, wanted: StandIn, log: Log) -> str:
        """The stand-in's reference, built now unless it is on the host."""
        tag = f"{PREFIX}{wanted.name}:{debian.codename()}"
        async with self._locks.setdefault(wanted.name, asyncio.Lock()):
            if await loading.inspect(self.engine, tag) is None:
                await log(f"building {tag} from the distribution's packages; this happens once")
                await self._build(wanted, tag, log)
        return tag

    async def _build(self, wanted: StandIn, tag: str, log: Log) -> None:
        version = await debian.version_of(wanted.package)
        labels = {CACHE_LABEL: "true", VERSION_LABEL: version}
        if wanted.name == "debian":
            await self.make_base(tag, labels, log)
            return
        await self.make(STAND_INS[0], log)
        request = BuildRequest(
            service=wanted.name,
            build=Build(args={"RELEASE": debian.codename()}),
            context_root=RECIPES / wanted.name,
            tag=tag,
            labels=labels,
            cache_scope="stand-ins",
        )
        await self.builder.build(request, log)

    async def _version(self, tag: str) -> str:
        found = await loading.inspect(self.engine, tag) or {}
        labels = (found.get("Config") or {}).get("Labels") or {}
        return str(labels.get(VERSION_LABEL, "")) or "an unknown version"
