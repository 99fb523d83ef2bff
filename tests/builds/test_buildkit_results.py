"""Base images on their way to a daemon of its own, and what comes back on its way to the engine."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import cast

import pytest

from seatrial.agent.builds.archive import HELD, BuiltImage, Layer, read_layout
from seatrial.agent.builds.buildkit.layouts import Layouts, unpack
from seatrial.agent.builds.buildkit.results import deliver
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.errors import BuildError, EngineRefused

LAYERS = [b"the lower" * 1000, b"the upper"]
DIGESTS = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in LAYERS]


def saved(path: Path, layers: Sequence[bytes] = LAYERS) -> Path:
    """What `docker save` writes."""
    config = {"config": {}, "rootfs": {"type": "layers", "diff_ids": DIGESTS}}
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    listed = [{"Config": "config.json", "Layers": names}]
    files = {"config.json": json.dumps(config).encode(), "manifest.json": json.dumps(listed).encode()}
    with tarfile.open(path, "w") as tar:
        for name, content in {**files, **dict(zip(names, layers, strict=True))}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def test_an_image_of_the_engine_becomes_a_layout_that_can_be_read_again(tmp_path: Path) -> None:
    unpack(saved(tmp_path / "saved.tar"), tmp_path / "layout")
    image = read_layout(tmp_path / "layout")
    assert [layer.digest for layer in image.layers] == DIGESTS
    assert [layer.file.read_bytes() for layer in image.layers] == LAYERS
    index = json.loads((tmp_path / "layout/index.json").read_bytes())["manifests"][0]
    manifest = (tmp_path / "layout/blobs/sha256" / index["digest"].removeprefix("sha256:")).read_bytes()
    assert (index["digest"], index["size"]) == (
        f"sha256:{hashlib.sha256(manifest).hexdigest()}",
        len(manifest),
    )
    assert {layer["mediaType"] for layer in json.loads(manifest)["layers"]} == {
        "application/vnd.oci.image.layer.v1.tar"
    }


def test_layers_that_an_engine_keeps_packed_are_called_so(tmp_path: Path) -> None:
    packed = [gzip.compress(layer) for layer in LAYERS]
    unpack(saved(tmp_path / "saved.tar", packed), tmp_path / "layout")
    blobs = list((tmp_path / "layout/blobs/sha256").iterdir())
    manifest = next(json.loads(b.read_bytes()) for b in blobs if b"manifest.v1" in b.read_bytes()[:100])
    assert {layer["mediaType"] for layer in manifest["layers"]} == {
        "application/vnd.oci.image.layer.v1.tar+gzip"
    }


class Saving:
    """An engine that has one image."""

    def __init__(self) -> None:
        self.images, self.times = self, 0

    async def save(self, _reference: str, target: Path) -> None:
        self.times += 1
        saved(target)


async def test_each_image_is_handed_over_once_also_after_a_kill(tmp_path: Path) -> None:
    engine = Saving()
    layouts = Layouts(cast(Engine, engine), tmp_path / "bases")
    (tmp_path / "bases/abc/blobs").mkdir(parents=True)  # half of one
    first, again = await layouts.of("sha256:abc"), await layouts.of("sha256:abc")
    assert first == again and first.startswith(f"oci-layout://{tmp_path}/bases/abc@sha256:")
    assert engine.times == 1
    layouts.prune(1)
    assert (tmp_path / "bases/abc").exists()
    layouts.prune(-1)
    assert not list((tmp_path / "bases").iterdir())


class Loading:
    """An engine that has lost its layers, or not."""

    def __init__(self, *, lost: bool) -> None:
        self.images, self.lost, self.given = self, lost, list[list[str]]()

    async def load(self, archive: AsyncIterator[bytes]) -> None:
        data = b"".join([chunk async for chunk in archive])
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            names = tar.getnames()
        self.given.append([name for name in names if name.endswith(".tar")])
        if self.lost and len(self.given) == 1:
            raise EngineRefused("no such layer", status=500)


def image(folder: Path) -> BuiltImage:
    files = [folder / str(number) for number in range(2)]
    for file, content in zip(files, LAYERS, strict=True):
        file.write_bytes(content)
    layers = [Layer(digest, file) for digest, file in zip(DIGESTS, files, strict=True)]
    return BuiltImage({"config": {}, "rootfs": {"diff_ids": DIGESTS}}, tuple(layers))


@pytest.mark.parametrize("lost", [False, True])
async def test_the_engine_is_sent_what_it_lacks_and_all_if_it_has_lost_something(
    tmp_path: Path, lost: bool
) -> None:
    engine = Loading(lost=lost)
    await deliver(cast(Engine, engine), image(tmp_path), "x:1", {}, "web", [DIGESTS[:1], ["sha256:ff"]])
    upper, both = [f"{DIGESTS[1][7:]}.tar"], [f"{digest[7:]}.tar" for digest in DIGESTS]
    assert engine.given == ([upper, both] if lost else [upper])


async def test_what_was_never_here_cannot_be_sent_whole() -> None:
    held = BuiltImage({"rootfs": {"diff_ids": DIGESTS}}, tuple(Layer(digest, HELD) for digest in DIGESTS))
    engine = Loading(lost=True)
    with pytest.raises(BuildError, match="the engine did not accept the image"):
        await deliver(cast(Engine, engine), held, "x:1", {}, "web", [])
    assert engine.given == [[]]
