"""Finished images into the engine, which is sent only the layers that it lacks.

Nobody remembers what the engine has: it is asked at the beginning of every build, and the answer is that build's own. Builds
of a project share neither files nor answers, so that none of them can disturb another. The engine may lose a layer while
a build runs (a preview that is closed takes its images along); it then refuses the image, which is written once more, whole.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from seatrial.agent.builds import loading
from seatrial.agent.builds.archive import BuiltImage
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.errors import BuildError
from seatrial.agent.vocabulary.labels import LAYERS

MOST_IMAGES = 20  # the newest are asked for their layers; further ones would hardly add any

Layers = Sequence[str]  # of one image, the lowest first


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

    async def copied(self, image: BuiltImage | None) -> bool:
        """Load an image of which the engine has every layer; False if there is none, or the engine has lost it meanwhile."""
        if image is None:
            return False
        try:
            await self._load(image)
        except BuildError:
            return False
        return True

    async def run(self, write: Write, known: Iterable[Layers]) -> None:
        """Have the image written without the layers that the engine has, and load it. `known` are the layers of images
        that it is known to have. Raises BuildError or NoSpace."""
        held = [*known, *await held_layers(self.engine, self.scope)]
        image = await write({layer for layers in held for layer in layers}, again=False)
        if (allowed := fewer(image, held)) is not None:
            image = await write(allowed, again=True)
        try:
            await self._load(image)
        except BuildError:
            if image.whole:
                raise
            await self._load(await write((), again=True))

    async def _load(self, image: BuiltImage) -> None:
        archive = image.archive(self.tag, {**self.labels, LAYERS: self.scope})
        await loading.load(self.engine, archive, self.what)


async def held_layers(engine: Engine, scope: str) -> list[Layers]:
    """The layers of each of the newest images that builds of `scope` made, as the engine has them now."""
    listed = await engine.images.list({LAYERS: scope})
    images = await asyncio.gather(*(engine.images.get(image.id) for image in listed[:MOST_IMAGES]))
    return [image.layers for image in images if image is not None]


def fewer(image: BuiltImage, held: Iterable[Layers]) -> set[str] | None:
    """The only layers that may be left out of `image`, if others are; None if it may be loaded as it is.

    To the engine, a layer is one thing together with all those below. Two images may have a layer of the same
    content, such as a file that is copied, on top of different ones: the engine may have one of the two and lack the other.
    """
    digests = [layer.digest for layer in image.layers]
    shared = max((common(digests, layers) for layers in held), default=0)
    if all(layer.here for layer in image.layers[shared:]):
        return None
    return set(digests[:shared]) - set(digests[shared:])


def common(digests: Sequence[str], others: Sequence[str]) -> int:
    """How many layers both begin with."""
    pairs = enumerate(zip(digests, others, strict=False))
    return next((n for n, (one, other) in pairs if one != other), min(len(digests), len(others)))
