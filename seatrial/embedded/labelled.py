"""Finds and removes everything on the engine that carries an agent's label."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiodocker
import aiohttp

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
    path: str  # of the engine's API
    force: bool = True


class Labelled:
    """Everything one agent created. Removal is repeated until the engine lists nothing more.

    The engine may refuse for reasons that soon pass: a container is already being removed, or a network's last container is
    just leaving. So only refusals in the last round count.
    """

    def __init__(self, docker: aiodocker.Docker, agent: str) -> None:
        self._docker = docker
        self._query = {"filters": json.dumps({"label": [f"{AGENT}={agent}"]})}
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
        params = {"force": "1", "v": "1"} if thing.force else {}
        request = self._docker._query(thing.path, method="DELETE", params=params)
        try:
            async with self._at_once, asyncio.timeout(REQUEST_SECONDS), request:
                return ""
        except TimeoutError:
            return f"no answer in {REQUEST_SECONDS:.0f} s"
        except aiodocker.DockerError as error:
            return "" if error.status == HTTPStatus.NOT_FOUND else error.message

    async def _things(self) -> AsyncIterator[Thing]:
        for one in await self._list("containers/json", all="1"):
            yield Thing("container", (one["Names"] or [one["Id"]])[0].lstrip("/"), f"containers/{one['Id']}")
        for one in await self._list("networks"):
            yield Thing("network", one["Name"], f"networks/{one['Id']}", force=False)
        for one in (await self._list("volumes"))["Volumes"] or []:
            yield Thing("volume", one["Name"], f"volumes/{one['Name']}")
        for one in await self._list("images/json"):
            if (one["Labels"] or {}).get(CACHE) != "true":
                yield Thing("image", (one["RepoTags"] or [one["Id"]])[0], f"images/{one['Id']}")

    async def _list(self, path: str, **more: str) -> Any:
        return await self._docker._query_json(path, params={**self._query, **more})


def _stays(things: list[Thing], refusals: list[str]) -> CannotRun:
    names = ", ".join(f"{thing.kind} {thing.name}" for thing in things[:5])
    more = f" and {len(things) - 5} more" if len(things) > 5 else ""
    said = f" The engine says: {refusals[0].rstrip('.')}." if refusals else ""
    again = typed("down", "--purge")
    return CannotRun(
        f"left on the engine: {names}{more}.{said}",
        fix=f"Remove what holds them; nothing of the data is lost yet. Then again: {again}",
    )
