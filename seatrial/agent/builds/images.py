"""Images that nobody builds: on the host, pulled, or stood in for."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.errors import AgentError, EngineRefused, ImageUnavailable, Refusal
from seatrial.agent.vocabulary.labels import MANAGED
from seatrial.agent.vocabulary.logs import Log

STALLED_SECONDS = 45.0  # a pull that reports nothing for this long has lost its registry
REMEMBER_SECONDS = 60.0  # pause before a registry that did not answer is asked again
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
REFERENCE = re.compile(
    rf"(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?/)?{_PART}(?:/{_PART})*(?::\w[\w.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?",
    re.ASCII,
)
ENDED = object()


class StandIns(Protocol):
    """Replacements for images that no registry provides."""

    async def ensure(self, image: str, why: str, log: Log) -> str | None:
        """A reference on the host that stands in for `image`, None when there is none for it."""


class RegistrySilent(Exception):
    """A registry did not answer, or refused temporarily; the text says which."""


class Stalled(Exception):
    """A pull reports nothing any more."""


@dataclass
class EngineImages:
    """`Images` that are already on the engine; it pulls nothing."""

    engine: Engine

    async def ensure(self, image: str, log: Log) -> str:
        """See `Images.ensure`. An image built for a preview is refused, by whatever name it is requested."""
        image = named(image)
        if not await self._is_here(image):
            raise ImageUnavailable(f"{image}: not on this host")
        return image

    async def _is_here(self, image: str) -> bool:
        known = await self.engine.images.get(image)
        if known is None:
            return False
        if MANAGED in known.labels:
            raise ImageUnavailable(f"{image} was built for a preview. Build it from its own source")
        return True


@dataclass
class DockerImages(EngineImages):
    """`Images` on the engine, pulled or stood in for. Calls for one image wait for each other."""

    stand_ins: StandIns
    clock: Callable[[], float] = time.monotonic
    stalled_seconds: float = STALLED_SECONDS
    _silent: dict[str, tuple[float, str]] = field(default_factory=dict)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def ensure(self, image: str, log: Log) -> str:
        """See `EngineImages.ensure`."""
        image = named(image)
        if await self._is_here(image):
            return image
        async with self._locks.setdefault(image, asyncio.Lock()):
            if await self._is_here(image):
                return image
            try:
                await self._pull(image, log)
            except RegistrySilent as silent:
                return await self._stood_in(image, str(silent), log)
            return image

    async def _stood_in(self, image: str, why: str, log: Log) -> str:
        try:
            reference = await self.stand_ins.ensure(image, why, log)
        except AgentError as error:
            raise ImageUnavailable(f"{image}: {why}, and its stand-in could not be built: {error}") from error
        if reference is None:
            raise ImageUnavailable(
                f"{image}: not on this host, {why}, and no stand-in is made for it. "
                f"Load it on the agent's host (docker load), or make the registry reachable"
            )
        return reference

    async def _pull(self, image: str, log: Log) -> None:
        registry = registry_of(image)
        until, why = self._silent.get(registry, (0.0, ""))
        if self.clock() < until:
            raise RegistrySilent(why)
        await log(f"pulling {image}")
        try:
            await self._pulled(image)
        except (EngineRefused, Stalled) as error:
            why = problem_of(registry, error)
            if not why:
                raise ImageUnavailable(f"{image} cannot be pulled: {error}") from error
            self._silent[registry] = (self.clock() + REMEMBER_SECONDS, why)
            await log(f"{image}: {why} ({str(error)[:300]})")
            raise RegistrySilent(why) from error

    async def _pulled(self, image: str) -> None:
        async with aclosing(self.engine.images.pull(image)) as reports:
            while await self._heard(reports):
                continue

    async def _heard(self, reports: AsyncIterator[None]) -> bool:
        """Whether there was another report. Raises Stalled."""
        try:
            async with asyncio.timeout(self.stalled_seconds):
                return await anext(reports, ENDED) is not ENDED
        except TimeoutError as error:
            raise Stalled(f"nothing was heard for {self.stalled_seconds:g} s") from error


def problem_of(registry: str, error: EngineRefused | Stalled) -> str:
    """What is wrong with the registry; empty if the image itself is the problem."""
    if isinstance(error, Stalled) or error.refusal is Refusal.REGISTRY_AWAY:
        return f"{registry} does not answer"
    if error.refusal is Refusal.REGISTRY_LIMITS:
        return f"{registry} limits how much may be pulled (429 Too Many Requests)"
    return ""


def named(image: str) -> str:
    """`image` with its tag, so that an engine never mistakes it for the prefix of an image id.

    Raises ImageUnavailable for an id: images of all previews are on the engine, and ids are easily guessed.
    """
    if image.startswith("sha256:") or re.fullmatch(r"[0-9a-f]{64}", image):
        raise ImageUnavailable(f"{image} is an image's id. Write its name and tag, or name@sha256:digest")
    if not REFERENCE.fullmatch(image):
        raise ImageUnavailable(f"{image[:200]!r} is not an image's name. Write it like python:3.12-slim")
    return image if "@" in image or ":" in image.rsplit("/", 1)[-1] else f"{image}:latest"


def registry_of(image: str) -> str:
    """The registry's host, Docker Hub for names without one."""
    first = image.split("/", 1)[0]
    return (
        first
        if "/" in image and (re.search(r"[.:]", first) or first == "localhost")
        else "registry-1.docker.io"
    )
