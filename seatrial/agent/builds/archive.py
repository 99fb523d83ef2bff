"""From buildah's output to the engine: an archive that holds only the layers the engine does not have."""

import io
import json
import os
import tarfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seatrial import files

CHUNK = 1 << 20
LARGEST_DOCUMENT = 4 << 20


@dataclass(frozen=True)
class Layer:
    """One layer: its uncompressed digest and its file. An empty file stands for "the engine has it"."""

    digest: str
    file: Path

    @property
    def here(self) -> bool:
        """Whether the file holds the layer."""
        return self.file.stat(follow_symlinks=False).st_size > 0


@dataclass(frozen=True)
class BuiltImage:
    """An image in a blob folder: its configuration, and its layers from the lowest."""

    config: Mapping[str, Any]
    layers: tuple[Layer, ...]

    async def archive(self, tag: str, labels: Mapping[str, str]) -> AsyncIterator[bytes]:
        """A `docker load` archive of the image with `labels`, named `tag`. Layers without a file here are left out: the
        engine takes those from its own store, and refuses the archive if it lacks one."""
        inner = dict(self.config.get("config") or {})
        inner["Labels"] = {**own_labels(inner.get("Labels") or {}), **labels}
        config = json.dumps({**self.config, "config": inner}).encode()
        names = [f"{layer.digest.removeprefix('sha256:')}.tar" for layer in self.layers]
        manifest = json.dumps([{"Config": "config.json", "RepoTags": [tag], "Layers": names}]).encode()
        for name, data in (("manifest.json", manifest), ("config.json", config)):
            yield header(name, len(data)) + padded(data)
        for name, layer in dict(zip(names, self.layers, strict=True)).items():
            if layer.here:
                async for chunk in contents(name, layer.file):
                    yield chunk
        yield b"\0" * 1024

    def with_healthcheck(self, check: Mapping[str, Any] | None) -> "BuiltImage":
        """This image with the healthcheck `check`, which an OCI layout cannot hold."""
        inner = {**(self.config.get("config") or {}), "Healthcheck": check}
        return replace(self, config={**self.config, "config": inner}) if check else self

    def mark_loaded(self) -> None:
        """Replace each layer's file by an empty one: the engine has it now."""
        for layer in self.layers:
            if layer.here:
                files.replace(layer.file, b"")

    def forget_loaded(self) -> bool:
        """Remove the markers, so that the next build writes these layers out. True if there were any."""
        markers = [layer.file for layer in self.layers if not layer.here]
        for file in markers:
            file.unlink(missing_ok=True)
        return bool(markers)


def own_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """`labels` without Seatrial's own: a base image may carry some, and a Dockerfile may try to set them."""
    return {name: value for name, value in labels.items() if not name.startswith(("galley.", "io.buildah."))}


def mark(blobs: Path, digests: list[str]) -> None:
    """Record that the engine has these layers. A layer whose file is here is left alone."""
    for digest in digests:
        (blobs / digest.removeprefix("sha256:")).touch(exist_ok=True)


def read_layout(layout: Path, blobs: Path) -> BuiltImage:
    """The one image of the OCI layout that buildah wrote, its blobs in `blobs`."""
    index = json.loads(read_small(layout / "index.json"))
    manifest = json.loads(read_small(blob(blobs, index["manifests"][0]["digest"])))
    config = json.loads(read_small(blob(blobs, manifest["config"]["digest"])))
    digests = config["rootfs"]["diff_ids"]
    files = [blob(blobs, layer["digest"]) for layer in manifest["layers"]]
    return BuiltImage(config, tuple(Layer(d, f) for d, f in zip(digests, files, strict=True)))


def blob(blobs: Path, digest: str) -> Path:
    """The file of a digest, which must be nothing but hexadecimal."""
    name = digest.removeprefix("sha256:")
    int(name, 16)
    return blobs / name


def read_small(path: Path) -> bytes:
    """A document of the builder. Its folder belongs to another user: a symbolic link there is not followed."""
    with opened(path) as file:
        return file.read(LARGEST_DOCUMENT)


def opened(path: Path) -> io.BufferedReader:
    """Open without following a symbolic link."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")


def header(name: str, size: int) -> bytes:
    """The tar header of a file."""
    information = tarfile.TarInfo(name)
    information.size = size
    return information.tobuf(tarfile.PAX_FORMAT)


def padded(data: bytes) -> bytes:
    """`data` filled up to whole tar blocks."""
    return data + b"\0" * (-len(data) % tarfile.BLOCKSIZE)


async def contents(name: str, path: Path) -> AsyncIterator[bytes]:
    """A file as a tar member, in chunks."""
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        yield header(name, size)
        while chunk := file.read(CHUNK):
            yield chunk
        yield b"\0" * (-size % tarfile.BLOCKSIZE)
