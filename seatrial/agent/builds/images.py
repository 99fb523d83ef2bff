"""Images that nobody builds: on the host, pulled, or stood in for."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiodocker

from seatrial.agent.builds import loading
from seatrial.agent.engine.connection import Engine
from seatrial.agent.vocabulary.errors import AgentError, ImageUnavailable
from seatrial.agent.vocabulary.labels import MANAGED
from seatrial.agent.vocabulary.logs import Log

STALLED_SECONDS = 45.0  # a pull that reports nothing for so long has lost its registry
REMEMBER_SECONDS = 60.0  # how long a registry that did not answer is not asked again
UNREACHABLE = re.compile(
    r"no such host|dial tcp|i/o timeout|connection refused|network is unreachable|timeout|deadline exceeded|"
    r"server misbehaving|connection reset|EOF|no route to host|proxyconnect|certificate",
    re.IGNORECASE,
)
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
REFERENCE = re.compile(
    rf"(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?/)?{_PART}(?:/{_PART})*(?::\w[\w.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?",
    re.ASCII,
)
LIMITED = re.compile(r"toomanyrequests|429|rate limit", re.IGNORECASE)


class StandIns(Protocol):
    """What takes the place of an image no registry gives."""

    async def ensure(self, image: str, why: str, log: Log) -> str | None:
        """A reference on the host that stands in for `image`, None when there is none for it."""


class RegistrySilent(Exception):
    """A registry did not answer, or refused for now; the text says which."""


class Stalled(Exception):
    """A pull reports nothing any more."""


@dataclass
class EngineImages:
    """`Images` that are on the engine already, and no other."""

    engine: Engine

    async def ensure(self, image: str, log: Log) -> str:
        """See `Images.ensure`. What was built for a preview is nobody else's, however it is asked for."""
        image = named(image)
        if not await self._is_here(image):
            raise ImageUnavailable(f"{image}: not on this host")
        return image

    async def _is_here(self, image: str) -> bool:
        found = await loading.inspect(self.engine, image)
        if found is None:
            return False
        if MANAGED in ((found.get("Config") or {}).get("Labels") or {}):
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
        except (aiodocker.DockerError, Stalled) as error:
            told = loading.explained(error) if isinstance(error, aiodocker.DockerError) else str(error)
            if LIMITED.search(told):
                why = f"{registry} limits how much may be pulled (429 Too Many Requests)"
            elif isinstance(error, Stalled) or UNREACHABLE.search(told):
                why = f"{registry} does not answer"
            else:
                raise ImageUnavailable(f"{image} cannot be pulled: {told}") from error
            self._silent[registry] = (self.clock() + REMEMBER_SECONDS, why)
            await log(f"{image}: {why} ({told[:300]})")
            raise RegistrySilent(why) from error

    async def _pulled(self, image: str) -> None:
        with self.engine.calls():
            stream: AsyncIterator[Mapping[str, Any]] = self.engine.streams.images.pull(image, stream=True)
            while (event := await self._next(stream)) is not None:
                if event.get("error"):
                    raise aiodocker.DockerError(500, str(event["error"]))

    async def _next(self, stream: AsyncIterator[Mapping[str, Any]]) -> Mapping[str, Any] | None:
        try:
            async with asyncio.timeout(self.stalled_seconds):
                return await anext(stream, None)
        except TimeoutError as error:
            raise Stalled(f"nothing was heard for {self.stalled_seconds:g} s") from error


def named(image: str) -> str:
    """`image` with its tag, so that an engine never takes it for the id of whatever image begins like it.

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
