"""Images in and out of the engine."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiodocker

from seatrial.agent.engine.connection import Engine
from seatrial.agent.vocabulary.errors import BuildError, NoSpace
from seatrial.agent.vocabulary.whole import whole


async def inspect(engine: Engine, image: str) -> dict[str, Any] | None:
    """The engine's description of an image, None when it has none of that name."""
    try:
        with engine.calls():
            found: dict[str, Any] = await engine.api.images.inspect(image)
            return found
    except aiodocker.DockerError as error:
        if error.status == 404:
            return None
        raise


@whole
async def load(engine: Engine, archive: AsyncIterator[bytes], what: str) -> None:
    """Give the engine a `docker load` archive. Raises BuildError (it may know a layer no more) or NoSpace."""
    try:
        with engine.calls():
            answers = await engine.streams.images.import_image(archive)
    except aiodocker.DockerError as error:
        raise refused(what, error.message) from error
    for answer in answers:
        if isinstance(answer, Mapping) and answer.get("error"):
            raise refused(what, str(answer["error"]))


def refused(what: str, told: str) -> BuildError | NoSpace:
    """The error for an archive the engine did not take."""
    if "no space left" in told:
        return NoSpace(f"{what}: no space left on the engine's disk. Free some, then rebuild")
    return BuildError(f"{what}: the engine did not take the image: {told}")


async def save(engine: Engine, image: str, target: Path) -> None:
    """Write `docker save IMAGE` to `target`."""
    with engine.calls():
        async with engine.streams.images.export_image(image) as content:
            with target.open("wb") as file:
                async for chunk in content.iter_chunked(1 << 20):
                    await asyncio.to_thread(file.write, chunk)


async def remove(engine: Engine, image: str) -> None:
    """Remove a tag; a no-op when it is gone or in use."""
    with contextlib.suppress(aiodocker.DockerError):
        await engine.api.images.delete(image)


def explained(error: aiodocker.DockerError) -> str:
    """The engine's words, out of the JSON it may wrap them in."""
    with contextlib.suppress(ValueError, TypeError, AttributeError):
        return str(json.loads(error.message).get("message", error.message))
    return str(error.message)
