"""Finds and removes everything on the engine that carries an agent's label."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

import aiodocker
import aiohttp
from aiodocker.networks import DockerNetwork
from aiodocker.volumes import DockerVolume

from seatrial.agent.vocabulary.labels import AGENT
from seatrial.embedded.errors import CannotRun
from seatrial.embedded.typed import typed

CACHE = "galley.cache"  # images that take long to build and hold nobody's data
PATIENCE_SECONDS = 60.0
REQUEST_SECONDS = 30.0
AT_ONCE = 8
PAUSE_SECONDS = 0.3


@dataclass(frozen=True)
class Thing:
    """A container, network, volume or image."""

    kind: str
    name: str  # for people
    remove: Callable[[], Awaitable[object]]


class Labelled:
    """Everything one agent created. Removal is repeated until the engine lists nothing more.

    The engine may refuse for reasons that soon pass: a container is already being removed, or a network's last container is
    just leaving. So only refusals in the last round count.
    """

    def __init__(self, docker: aiodocker.Docker, agent: str) -> None:
        self._docker = docker
        self._ours = {"label": [f"{AGENT}={agent}"]}
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def remove(self, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Remove everything except caches. Raises CannotRun, naming what is left, if that takes too long."""
        deadline = time.monotonic() + patience_seconds
        try:
            refusals: list[str] | None = None  # at least one round, however long listing takes
            while things := [thing async for thing in self._things()]:
                if refusals is not None and time.monotonic() > deadline:
                    raise _stays(things, refusals)
                refusals = await self._round(things)
                await asyncio.sleep(PAUSE_SECONDS if refusals else 0)
        except (aiohttp.ClientError, aiodocker.DockerError, OSError) as error:
            raise CannotRun(
                f"the engine failed while previews were being removed: {error}.",
                fix=f"When it answers again: {typed('down', '--purge')}",
            ) from error

    async def _round(self, things: list[Thing]) -> list[str]:
        """Request every removal once, containers before what they use; returns the engine's refusals."""
        containers = [thing for thing in things if thing.kind == "container"]
        others = [thing for thing in things if thing.kind != "container"]
        answers = [await asyncio.gather(*map(self._remove, group)) for group in (containers, others)]
        return [refusal for group in answers for refusal in group if refusal]

    async def _remove(self, thing: Thing) -> str:
        try:
            async with self._at_once, asyncio.timeout(REQUEST_SECONDS):
                await thing.remove()
                return ""
        except TimeoutError:
            return f"no answer in {REQUEST_SECONDS:.0f} s"
        except aiodocker.DockerError as error:
            return "" if error.status == HTTPStatus.NOT_FOUND else error.message

    async def _things(self) -> AsyncIterator[Thing]:
        docker = self._docker
        for container in await docker.containers.list(all=1, filters=json.dumps(self._ours)):
            named = (container["Names"] or [container.id])[0].lstrip("/")
            yield Thing("container", named, partial(container.delete, force=True, v=True))
        for one in await docker.networks.list(filters=self._ours):
            network = DockerNetwork(docker, one["Id"])  # type: ignore[no-untyped-call]
            yield Thing("network", one["Name"], network.delete)
        volumes = await docker.volumes.list(filters=self._ours)  # type: ignore[no-untyped-call]
        for one in volumes["Volumes"] or []:
            volume = DockerVolume(docker, one["Name"])  # type: ignore[no-untyped-call]
            yield Thing("volume", one["Name"], partial(volume.delete, force=True))
        for one in await docker.images.list(filters=self._ours):
            if (one["Labels"] or {}).get(CACHE) != "true":
                named = (one["RepoTags"] or [one["Id"]])[0]
                yield Thing("image", named, partial(docker.images.delete, one["Id"], force=True))


def _stays(things: list[Thing], refusals: list[str]) -> CannotRun:
    names = ", ".join(f"{thing.kind} {thing.name}" for thing in things[:5])
    more = f" and {len(things) - 5} more" if len(things) > 5 else ""
    said = f" The engine says: {refusals[0].rstrip('.')}." if refusals else ""
    again = typed("down", "--purge")
    return CannotRun(
        f"left on the engine: {names}{more}.{said}",
        fix=f"Remove what holds them; nothing of the data is lost yet. Then again: {again}",
    )
