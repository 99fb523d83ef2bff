"""Stand-ins: the distribution's own packages in an image, for when no registry answers.

Each is built once per host and kept (label galley.cache=true). The log says which version it
really is. A stand-in replaces official images only, never somebody's own.
"""

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

from seatrial.agent.builds import debian
from seatrial.agent.builds.base import Builder, BuildRequest
from seatrial.agent.builds.references import named
from seatrial.agent.engine import Engine
from seatrial.agent.recipes.kinds import repository_name
from seatrial.agent.recipes.recipe import Build
from seatrial.agent.vocabulary.errors import AgentError
from seatrial.agent.vocabulary.labels import CACHE
from seatrial.agent.vocabulary.logs import Log

VERSION_LABEL = "galley.version"
RECIPE_LABEL = "galley.recipe"
RECIPES = Path(__file__).parent / "stand_ins"
PREFIX = "seatrial/stand-in-"
BROWSER = "galley-browser"  # no official image: ours, which screenshots are taken with
OFFICIAL = re.compile(rf"(docker\.io/)?(library/)?([a-z0-9]+|{BROWSER})([:@].*)?")
ALPINE_TAG = re.compile(r"(.*-)?alpine.*")
SLIM_TAG = re.compile(r"(.*-)?slim(-.*)?")


@dataclass(frozen=True)
class StandIn:
    """One image we can make. The version is that of `package`; `title` is its name for people."""

    name: str
    title: str
    package: str
    serves: Sequence[str]
    refuses: str = ""  # tags it would be dishonest to stand in for
    only: str = ".*"  # the tags it is for
    base: "StandIn | None" = None
    folder: str = ""  # of RECIPES; empty: named like the stand-in
    slim: bool = False  # as it is, it is for -slim tags

    def fits(self, name: str, tag: str) -> bool:
        """Whether it may take the place of the official image `name:tag`."""
        refused = self.refuses and re.fullmatch(self.refuses, tag)
        return name in self.serves and not refused and re.fullmatch(self.only, tag) is not None

    def for_alpine(self) -> "StandIn":
        """The variant for -alpine tags: with the commands their users expect, and an `apk` that explains what this image is."""
        return replace(self, name=f"{self.name}-alpine", folder="alpine", base=self)

    def for_whole(self) -> "StandIn":
        """The variant for tags without -slim: with the commands that health checks of their users call."""
        return replace(self, name=f"{self.name}-whole", folder="whole", base=self)

    @cached_property
    def recipe(self) -> str:
        """A digest of everything it is made from: an image with another digest is made again."""
        digest = hashlib.sha256(self.base.recipe.encode() if self.base else b"")
        for file in sorted((RECIPES / (self.folder or self.name)).glob("*")):
            digest.update(f"{file.name} ".encode() + file.read_bytes())
        return digest.hexdigest()[:16]


DEBIAN = StandIn("debian", "Debian", "base-files", ("debian", "ubuntu"))
PHP = StandIn("php", "PHP", "php-cli", ("php",), r".*(fpm|zts).*", base=DEBIAN)
STAND_INS = (
    DEBIAN,
    StandIn("alpine", "Debian", "base-files", ("alpine",), base=DEBIAN),
    StandIn("busybox", "BusyBox", "busybox-static", ("busybox",), base=DEBIAN),
    StandIn("python", "Python", "python3", ("python",), r"2(\..*|-.*)?|rc-.*", base=DEBIAN, slim=True),
    StandIn("node", "Node.js", "nodejs", ("node",), base=DEBIAN, slim=True),
    StandIn("golang", "Go", "golang-go", ("golang",), base=DEBIAN),
    StandIn("rust", "Rust", "rustc", ("rust",), base=DEBIAN, slim=True),
    StandIn("gcc", "GCC", "gcc", ("gcc",), base=DEBIAN),
    StandIn("ruby", "Ruby", "ruby", ("ruby",), base=DEBIAN, slim=True),
    StandIn("php-apache", "PHP", "php-cli", ("php",), only=r"(.*-)?apache.*", base=PHP),
    PHP,
    StandIn("postgres", "PostgreSQL", "postgresql", ("postgres",), base=DEBIAN),
    StandIn("mariadb", "MariaDB", "mariadb-server", ("mariadb", "mysql"), base=DEBIAN),
    StandIn("redis", "Redis", "redis-server", ("redis",), base=DEBIAN),
    StandIn("memcached", "memcached", "memcached", ("memcached",), base=DEBIAN),
    StandIn("nginx", "nginx", "nginx", ("nginx",), base=DEBIAN),
    StandIn("httpd", "Apache", "apache2", ("httpd",), base=DEBIAN),
    StandIn("browser", "Chromium", "chromium-headless-shell", (BROWSER,), base=DEBIAN),
)


def stood_in(image: str, reference: str, labels: Mapping[str, str]) -> str:
    """A sentence for people if `reference`, with `labels`, is on this host as the stand-in of `image`; else nothing."""
    stand_in = stand_in_for(named(image)) if reference.startswith(PREFIX) else None
    if stand_in is None:
        return ""
    version = labels.get(VERSION_LABEL) or "an unknown version"
    digest = ", and its digest was ignored" if "@" in image else ""
    return (
        f"{image} could not be pulled: a stand-in takes its place, with {stand_in.title} {version} from Debian packages"
        f"{digest}"
    )


class MakeBase(Protocol):
    """A function that makes the distribution's base image."""

    async def __call__(self, tag: str, labels: Mapping[str, str], log: Log) -> None:
        """The image is on the engine as `tag` when this returns."""


def stand_in_for(image: str) -> StandIn | None:
    """The stand-in that may honestly take the place of `image`."""
    if not OFFICIAL.fullmatch(image):
        return None
    name = repository_name(image)
    tag = image.rsplit("/", 1)[-1].partition(":")[2].partition("@")[0]
    fitting = next((known for known in STAND_INS if known.fits(name, tag)), None)
    if fitting and ALPINE_TAG.fullmatch(tag):
        return fitting.for_alpine()
    return fitting.for_whole() if fitting and fitting.slim and not SLIM_TAG.fullmatch(tag) else fitting


@dataclass
class DebianStandIns:
    """Builds stand-ins with a `Builder` on top of a base made by debootstrap. One at a time per stand-in."""

    engine: Engine
    builder: Builder
    make_base: MakeBase
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def ensure(self, image: str, why: str, log: Log) -> str | None:
        """See `StandIns.ensure`."""
        stand_in = stand_in_for(image)
        if stand_in is None:
            return None
        tag = await self.make(stand_in, log)
        await log(
            f"{image}: {why}; using the stand-in with {stand_in.title} {await self._version(tag)} from Debian packages"
        )
        return tag

    async def prepare(self, images: Sequence[str], log: Log) -> dict[str, str]:
        """Have the stand-ins of `images` ready ahead of time: `{image: reference}`, without those that have none."""
        wanted = {image: stand_in for image in images if (stand_in := stand_in_for(image))}
        made = [await self.make(stand_in, log) for stand_in in wanted.values()]
        return dict(zip(wanted, made, strict=True))

    async def make(self, wanted: StandIn, log: Log) -> str:
        """The stand-in's reference; built now unless the host has it with the current recipe."""
        tag = f"{PREFIX}{wanted.name}:{debian.codename()}"
        async with self._locks.setdefault(wanted.name, asyncio.Lock()):
            labels = await self._labels(tag)
            if labels is None or labels.get(RECIPE_LABEL) != wanted.recipe:
                await log(f"building {tag} from the distribution's packages; this happens once")
                await self._build_or_keep(wanted, tag, log, old=labels is not None)
        return tag

    async def _build_or_keep(self, wanted: StandIn, tag: str, log: Log, *, old: bool) -> None:
        try:
            await self._build(wanted, tag, log)
        except AgentError as error:
            if not old:
                raise
            await log(f"{tag} of an earlier release is used, because a new one could not be built: {error}")

    async def _build(self, wanted: StandIn, tag: str, log: Log) -> None:
        version = await debian.version_of(wanted.package)
        labels = {CACHE: "true", VERSION_LABEL: version, RECIPE_LABEL: wanted.recipe}
        if wanted.base is None:
            await self.make_base(tag, labels, log)
            return
        request = BuildRequest(
            service=wanted.name,
            build=Build(args={"BASE": await self.make(wanted.base, log)}),
            context_root=RECIPES / (wanted.folder or wanted.name),
            tag=tag,
            labels=labels,
            cache_scope="stand-ins",
        )
        await self.builder.build(request, log)

    async def _version(self, tag: str) -> str:
        labels = await self._labels(tag) or {}
        return str(labels.get(VERSION_LABEL, "")) or "an unknown version"

    async def _labels(self, tag: str) -> Mapping[str, str] | None:
        image = await self.engine.images.get(tag)
        return None if image is None else image.labels
