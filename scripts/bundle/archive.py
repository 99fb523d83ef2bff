"""The images of a bundle, as one archive that `docker load` takes: the same images give the same bytes.

What an engine saves differs from engine to engine, and holds the times of the saving. So it is written anew: a file for
each layer, named by its content, one for each image's configuration, and `manifest.json`.
"""

import hashlib
import json
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from scripts.images.context import CannotBuild

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Image:
    """One image of an archive: its names, the digest of its configuration, and its layers' files there, lowest first."""

    names: tuple[str, ...]
    identity: str
    layers: tuple[str, ...]


def save(names: Sequence[str], target: Path) -> None:
    """Have the engine write these images into `target`. Raises CannotBuild."""
    command = ["docker", "save", "--output", str(target), *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotBuild(f"the engine did not save the images: {done.stderr.strip()}")


def normalise(saved: Path, target: Path, seconds: int) -> list[Image]:
    """Write `target` from what an engine saved; returns its images, sorted by name. Raises CannotBuild for another file."""
    try:
        with tarfile.open(saved) as source, tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as archive:
            return rewritten(source, archive, seconds)
    except (tarfile.ReadError, KeyError, ValueError, TypeError) as error:
        raise CannotBuild(f"what the engine saved cannot be read: {error!r}. Build again") from error


def rewritten(source: tarfile.TarFile, archive: tarfile.TarFile, seconds: int) -> list[Image]:
    """Every image of `source`, written into `archive`."""
    images: list[Image] = []
    members: dict[str, str] = {}  # of the layers: name there, by name here
    configurations: dict[str, bytes] = {}
    for entry in json.load(opened(source, MANIFEST)):
        configuration = opened(source, entry["Config"]).read()
        identity = hashlib.sha256(configuration).hexdigest()
        layers = [f"{one.partition(':')[2]}.tar" for one in json.loads(configuration)["rootfs"]["diff_ids"]]
        members.update(zip(layers, entry["Layers"], strict=True))
        configurations[f"{identity}.json"] = configuration
        images.append(Image(tuple(sorted(entry["RepoTags"])), identity, tuple(layers)))
    images.sort(key=lambda image: image.names)
    described = [
        {"Config": f"{one.identity}.json", "RepoTags": list(one.names), "Layers": list(one.layers)}
        for one in images
    ]
    small = {**configurations, MANIFEST: json.dumps(described, indent=1).encode()}
    for name in sorted([*members, *small]):
        if name in small:
            add(archive, name, BytesIO(small[name]), len(small[name]), seconds)
        else:
            layer = opened(source, members[name])
            add(archive, name, layer, layer.seek(0, 2), seconds)
    return images


def opened(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    """A file of an archive, also where it is a link to another one there."""
    file = archive.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file


def add(archive: tarfile.TarFile, name: str, content: IO[bytes], size: int, seconds: int) -> None:
    """Write one file that belongs to root."""
    content.seek(0)
    entry: Any = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = size, seconds, 0o644
    archive.addfile(entry, content)
