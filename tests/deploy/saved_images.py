"""What engines save, made by hand: tiny images in the layouts of an old engine and of a new one."""

import hashlib
import json
import tarfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

Layer = Mapping[str, str]  # contents by path
BOOKWORM = 'ID=debian\nVERSION_ID="12"\n'
DPKG = "Package: {0}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {1}\nDescription: one\n that goes on\n"


def packed(files: Mapping[str, bytes], links: Mapping[str, str], seconds: int) -> bytes:
    """A tar archive."""
    raw = BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(content), seconds
            archive.addfile(entry, BytesIO(content))
        for name, target in links.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return raw.getvalue()


def save(target: Path, images: Mapping[str, Sequence[Layer]], *, seconds: int, old: bool) -> None:
    """Write the images as an engine would at that time. An old one links a layer that it has written already."""
    files: dict[str, bytes] = {}
    links: dict[str, str] = {}
    manifest = []
    written: dict[str, str] = {}
    for name, layers in images.items():
        paths, digests = [], []
        for index, layer in enumerate(layers):
            content = packed({path: text.encode() for path, text in layer.items()}, {}, 7)
            digest = hashlib.sha256(content).hexdigest()
            path = f"{name}-{index}/layer.tar" if old else f"blobs/sha256/{digest}"
            if old and digest in written:
                links[path] = f"../{written[digest]}"
            else:
                files[path] = content
                written[digest] = path
            paths.append(path)
            digests.append(f"sha256:{digest}")
        configuration = json.dumps(
            {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": digests}}
        ).encode()
        identity = hashlib.sha256(configuration).hexdigest()
        place = f"{identity}.json" if old else f"blobs/sha256/{identity}"
        files[place] = configuration
        manifest.append({"Config": place, "RepoTags": [name], "Layers": paths})
    if not old:
        manifest.reverse()
        files["oci-layout"] = b"{}"
    files["manifest.json"] = json.dumps(manifest).encode()
    target.write_bytes(packed(files, links, seconds))
