"""Loads finished images into the engine."""

from collections.abc import AsyncIterator

from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.errors import BuildError, EngineRefused, NoSpace, Refusal
from seatrial.agent.vocabulary.whole import whole


@whole
async def load(engine: Engine, archive: AsyncIterator[bytes], what: str) -> None:
    """Give the engine a `docker load` archive. Raises BuildError (it may have lost a layer) or NoSpace."""
    try:
        await engine.images.load(archive)
    except EngineRefused as error:
        if error.refusal is Refusal.NO_SPACE:
            raise NoSpace(f"{what}: no space left on the engine's disk. Free some, then rebuild") from error
        raise BuildError(f"{what}: the engine did not accept the image: {error}") from error
