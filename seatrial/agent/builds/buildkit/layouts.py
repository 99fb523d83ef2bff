"""Base images for a BuildKit of its own: it does not see the engine's, so each is handed over as an OCI layout, once.

A layout is complete when its file INDEX is there, which is written last.
"""

import asyncio
import hashlib
import json
import os
import secrets
import shutil
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from seatrial import files
from seatrial.agent.builds.archive import BLOBS, CHUNK
from seatrial.agent.engine import Engine

INDEX = "index.json"
OCI = "application/vnd.oci.image"
GZIP = b"\x1f\x8b"
DAY_SECONDS = 86_400.0


@dataclass
class Layouts:
    """The layouts below `folder`, by the ids of the engine's images. Calls for one image wait for each other."""

    engine: Engine
    folder: Path
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def of(self, image: str) -> str:
        """Where buildx finds the engine's image of this id: `oci-layout://FOLDER@DIGEST`."""
        layout = self.folder / image.removeprefix("sha256:")
        async with self._locks.setdefault(image, asyncio.Lock()):
            if not (layout / INDEX).exists():
                await self._make(image, layout)
            os.utime(layout)
            index = json.loads((layout / INDEX).read_bytes())
        return f"oci-layout://{layout}@{index['manifests'][0]['digest']}"

    async def _make(self, image: str, layout: Path) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        saved = self.folder / f"{secrets.token_hex(8)}.tar"
        try:
            await self.engine.images.save(image, saved)
            await asyncio.to_thread(shutil.rmtree, layout, ignore_errors=True)
            await asyncio.to_thread(unpack, saved, layout)
        finally:
            saved.unlink(missing_ok=True)

    def prune(self, unused_days: float) -> None:
        """Remove layouts that no build used for that long; one that begins touches those that it uses."""
        oldest = time.time() - unused_days * DAY_SECONDS
        for path in self.folder.glob("*"):
            if path.stat().st_mtime < oldest:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def unpack(saved: Path, layout: Path) -> None:
    """Make the OCI layout of the one image of a `docker save` archive."""
    (layout / BLOBS).mkdir(parents=True)
    with tarfile.open(saved) as tar:
        listed = json.load(_member(tar, "manifest.json"))[0]
        config = _stored(layout, f"{OCI}.config.v1+json", _member(tar, listed["Config"]))
        layers = [_layer(layout, _member(tar, name)) for name in listed["Layers"]]
    manifest = {
        "schemaVersion": 2, "mediaType": f"{OCI}.manifest.v1+json", "config": config, "layers": layers,
    }  # fmt: skip
    data = json.dumps(manifest).encode()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    (layout / BLOBS / digest.removeprefix("sha256:")).write_bytes(data)
    files.replace(layout / "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}))
    entry = {"mediaType": f"{OCI}.manifest.v1+json", "digest": digest, "size": len(data)}
    files.replace(layout / INDEX, json.dumps({"schemaVersion": 2, "manifests": [entry]}))


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    content = tar.extractfile(name)
    if content is None:
        raise OSError(f"{name} of the engine's archive is no file")
    return content


def _layer(layout: Path, content: IO[bytes]) -> Mapping[str, Any]:
    packed = content.read(2) == GZIP
    content.seek(0)
    return _stored(layout, f"{OCI}.layer.v1.tar{'+gzip' if packed else ''}", content)


def _stored(layout: Path, kind: str, content: IO[bytes]) -> Mapping[str, Any]:
    """Write `content` under its digest; how a manifest names it."""
    digest, size = hashlib.sha256(), 0
    half = layout / BLOBS / secrets.token_hex(8)
    with half.open("wb") as file:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
            size += file.write(chunk)
    half.rename(layout / BLOBS / digest.hexdigest())
    return {"mediaType": kind, "digest": f"sha256:{digest.hexdigest()}", "size": size}
