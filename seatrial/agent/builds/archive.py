"""From buildah's output to the engine: an archive that holds only the layers the engine does not have."""

import asyncio
import contextlib
import io
import json
import os
import secrets
import shutil
import tarfile
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seatrial.agent.builds.cell import Cell
from seatrial.agent.builds.declared import Declared
from seatrial.agent.vocabulary.errors import BuildError
from seatrial.agent.vocabulary.mount_targets import refused_mount_target

CHUNK = 1 << 20
LARGEST_DOCUMENT = 4 << 20
BLOBS = Path("blobs/sha256")
HELD = Path(os.devnull)  # the file of a layer that the engine has


@dataclass(frozen=True)
class Layer:
    """One layer: its uncompressed digest and its file. An empty file stands for "the engine has it"."""

    digest: str
    file: Path

    @property
    def here(self) -> bool:
        """Whether the file holds the layer."""
        return self.file != HELD and self.file.stat(follow_symlinks=False).st_size > 0


@dataclass(frozen=True)
class BuiltImage:
    """An image in a blob folder: its configuration, and its layers from the lowest."""

    config: Mapping[str, Any]
    layers: tuple[Layer, ...]

    @property
    def whole(self) -> bool:
        """Whether every layer is here."""
        return all(layer.here for layer in self.layers)

    @property
    def volumes(self) -> list[str]:
        """Paths that it declares a VOLUME, sorted."""
        return sorted((self.config.get("config") or {}).get("Volumes") or {})

    def check_volumes(self, service: str) -> None:
        """Raise BuildError for a VOLUME where nothing may be mounted."""
        for path in self.volumes:
            if why := refused_mount_target(path):
                raise BuildError(f"{service}: VOLUME {path}: {why}")

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

    def declaring(self, declared: Declared) -> "BuiltImage":
        """This image with what was left out of its Dockerfile."""
        return replace(
            self, config={**self.config, "config": declared.within(self.config.get("config") or {})}
        )


def own_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """`labels` without Seatrial's own: a base image may carry some, and a Dockerfile may try to set them."""
    return {name: value for name, value in labels.items() if not name.startswith(("galley.", "io.buildah."))}


def prepare_layout(layout: Path, held: Iterable[str]) -> None:
    """Make the folder that buildah writes an OCI layout into. It leaves out layers whose file exists: those of `held` are empty."""
    blobs = layout / BLOBS
    blobs.mkdir(parents=True)
    for digest in held:
        blob(blobs, digest).touch()


@contextlib.asynccontextmanager
async def opened_layout(cell: Cell, held: Collection[str]) -> AsyncIterator[Path]:
    """A folder for one image, where the layers of `held` count as written; gone when the context ends."""
    out = cell.outside("out", secrets.token_hex(8))
    try:
        await asyncio.to_thread(prepare_layout, out, held)
        for folder in (out, *out.rglob("*/")):
            os.chown(folder, cell.account.uid, cell.account.gid, follow_symlinks=False)
        yield out
    finally:
        await asyncio.to_thread(shutil.rmtree, out, ignore_errors=True)


def read_layout(layout: Path) -> BuiltImage:
    """The one image of the OCI layout that buildah wrote."""
    blobs = layout / BLOBS
    index = json.loads(read_small(layout / "index.json"))
    manifest = json.loads(read_small(blob(blobs, index["manifests"][0]["digest"])))
    config = json.loads(read_small(blob(blobs, manifest["config"]["digest"])))
    digests = config["rootfs"]["diff_ids"] or []  # null where the image is empty
    files = [blob(blobs, layer["digest"]) for layer in manifest["layers"] or []]
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
