"""What is made of the same as an image that the project has already, perhaps for another preview, is not built: it is that image under
another name. Labels say whose an image is, so what it says of itself is sent anew; the engine has its layers.
"""

import hashlib
import json
from collections.abc import Iterable

from seatrial.agent.builds.archive import HELD, BuiltImage, Layer
from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.bases import Base
from seatrial.agent.engine import Engine
from seatrial.agent.engine.images import Image
from seatrial.agent.vocabulary.labels import LAYERS, MADE_OF

FORMAT = 1  # raise it when the same input gives another image


def made_of(request: BuildRequest, bases: Iterable[Base]) -> dict[str, str]:
    """The label that says of which files, arguments and base images; empty where the request does not say."""
    if not request.content:
        return {}
    facts = [FORMAT, request.content, sorted((base.name, base.id) for base in bases)]
    return {MADE_OF: hashlib.sha256(json.dumps(facts).encode()).hexdigest()}


async def twin(engine: Engine, scope: str, made: dict[str, str]) -> BuiltImage | None:
    """The newest image of `scope` that is `made` of the same; None if there is none, or nobody knows."""
    for listed in await engine.images.list({LAYERS: scope, **made}) if made else ():
        if (image := await engine.images.get(listed.id)) is not None:
            return as_built(image)
    return None


def as_built(image: Image) -> BuiltImage:
    """An image of the engine in the form of one that was built, with none of its layers here."""
    rootfs = {"type": "layers", "diff_ids": list(image.layers)}
    config = {**image.made_for, "config": dict(image.config), "rootfs": rootfs}
    return BuiltImage(config, tuple(Layer(digest, HELD) for digest in image.layers))
