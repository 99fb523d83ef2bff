"""What a build leaves: an image without a name on the engine, or an OCI layout that buildx wrote."""

import asyncio
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, Self

from seatrial.agent.builds import loading
from seatrial.agent.builds.archive import HELD, BuiltImage, Layer, read_layout
from seatrial.agent.builds.attempts import Interrupted
from seatrial.agent.builds.delivery import Layers, common
from seatrial.agent.engine import Engine
from seatrial.agent.recipes.dockerfile import MACHINES
from seatrial.agent.vocabulary.errors import BuildError
from seatrial.agent.vocabulary.labels import UNFINISHED
from seatrial.agent.vocabulary.whole import whole

ID, LAYOUT = "image-id", "layout"


class Result(Protocol):
    """The result of one build: `arguments` tell buildx where it goes. What is left of it is gone when the context ends."""

    @property
    def arguments(self) -> Sequence[str]:
        """buildx's options."""

    async def image(self, engine: Engine) -> BuiltImage:
        """The image. Raises Interrupted if it is not there."""

    async def __aenter__(self) -> Self:
        """Nothing is there yet."""

    async def __aexit__(self, *_: object) -> None:
        """Remove it."""


@dataclass(frozen=True)
class EngineResult:
    """On the engine, which has all of its layers, under no name but a label: `mark` says whose it is."""

    engine: Engine
    folder: Path
    mark: str

    @property
    def arguments(self) -> Sequence[str]:
        """See `Result`."""
        return ["--label", f"{UNFINISHED}={self.mark}", "--iidfile", str(self.folder / ID)]

    async def image(self, engine: Engine) -> BuiltImage:
        """See `Result`."""
        found = await engine.images.get(self._id() or "none")
        if found is None:
            raise Interrupted("the image vanished from the engine")
        config = {
            "architecture": MACHINES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "created": datetime.now(UTC).isoformat(),
            "config": dict(found.config),
            "rootfs": {"type": "layers", "diff_ids": list(found.layers)},
        }
        return BuiltImage(config, tuple(Layer(digest, HELD) for digest in found.layers))

    def _id(self) -> str:
        file = self.folder / ID
        return file.read_text().strip() if file.exists() else ""

    async def __aenter__(self) -> Self:
        """See `Result`."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """See `Result`."""
        if known := self._id():
            await _removed(self.engine, known)

    @classmethod
    async def remove_left(cls, engine: Engine, mark: str) -> None:
        """Remove what killed agents left."""
        for image in await engine.images.list({UNFINISHED: mark}):
            await engine.images.remove(image.id)


@whole
async def _removed(engine: Engine, image: str) -> None:
    await engine.images.remove(image)


@dataclass(frozen=True)
class LayoutResult:
    """In the build's folder, with every layer, as a daemon of its own sends it."""

    folder: Path

    @property
    def arguments(self) -> Sequence[str]:
        """See `Result`."""
        target = self.folder / LAYOUT
        output = f"type=oci,tar=false,dest={target},compression=uncompressed,force-compression=true"
        return ["--output", output, "--provenance=false", "--sbom=false"]

    async def image(self, engine: Engine) -> BuiltImage:
        """See `Result`."""
        return await asyncio.to_thread(read_layout, self.folder / LAYOUT)

    async def __aenter__(self) -> Self:
        """See `Result`."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """See `Result`; the folder is the client's."""


async def deliver(
    engine: Engine, image: BuiltImage, tag: str, labels: Mapping[str, str], what: str, held: Iterable[Layers]
) -> None:
    """Load `image` into the engine as `tag`, without the layers that it shares with one of `held`; whole, if the engine has lost
    one of them. Raises BuildError or NoSpace."""
    digests = [layer.digest for layer in image.layers]
    shared = max((common(digests, layers) for layers in held), default=0)
    light = [Layer(layer.digest, HELD) for layer in image.layers[:shared]]
    lighter = replace(image, layers=(*light, *image.layers[shared:]))
    try:
        await loading.load(engine, lighter.archive(tag, labels), what)
    except BuildError:
        if not image.whole:
            raise
        await loading.load(engine, image.archive(tag, labels), what)
