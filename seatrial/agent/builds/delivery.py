"""Finished images into the engine, which is sent only the layers that it lacks.

Nobody remembers what the engine has: it is asked at the beginning of every build, and the answer is that build's own. Builds
of a project share neither files nor answers, so that none of them can disturb another. The engine may lose a layer while
a build runs (a preview that is closed takes its images along); it then refuses the image, which is written once more, whole.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from seatrial.agent.builds import loading
from seatrial.agent.builds.archive import BuiltImage
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.errors import BuildError

SCOPE = "galley.layers"  # on every image: whose builds its layers can shorten
MOST_IMAGES = 20  # the newest are asked for their layers; further ones would hardly add any


class Write(Protocol):
    """Builds."""

    async def __call__(self, held: Collection[str], *, again: bool) -> BuiltImage:
        """The image, written without the layers of `held`; `again` if it was written before."""


@dataclass(frozen=True)
class Delivery:
    """Where an image goes: the engine, under `tag`, with `labels`. `what` names it in messages."""

    engine: Engine
    scope: str
    tag: str
    labels: Mapping[str, str]
    what: str

    async def run(self, write: Write, known: Collection[str]) -> None:
        """Have the image written without the layers that the engine has, and load it. `known` are layers that it is known
        to have. Raises BuildError or NoSpace."""
        image = await write({*known, *await held_layers(self.engine, self.scope)}, again=False)
        try:
            await self._load(image)
        except BuildError:
            if image.whole:
                raise
            await self._load(await write((), again=True))

    async def _load(self, image: BuiltImage) -> None:
        archive = image.archive(self.tag, {**self.labels, SCOPE: self.scope})
        await loading.load(self.engine, archive, self.what)


async def held_layers(engine: Engine, scope: str) -> set[str]:
    """The layers of the newest images that builds of `scope` made, as the engine has them now."""
    listed = await engine.images.list({SCOPE: scope})
    images = await asyncio.gather(*(engine.images.get(image.id) for image in listed[:MOST_IMAGES]))
    return {layer for image in images if image is not None for layer in image.layers}
