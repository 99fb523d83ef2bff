"""What is in folders that a step mounts: buildah finds a step's layer again by its words alone, so these become part of them."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Content:
    """`context` is the build's own folder; `folders` are its further ones by name."""

    context: Path
    folders: Mapping[str, Path]

    def mark(self, said: Mapping[str, str]) -> str:
        """A mount that mounts nothing, with the digest of what the bind mount `said` shows; empty for one of an image or stage."""
        if said.get("type", "bind") != "bind":
            return ""
        root = self.folders.get(said["from"]) if "from" in said else self.context
        if root is None:
            return ""
        source = said.get("source") or said.get("src") or ""
        path = root if "$" in source else (root / source.lstrip("/")).resolve()
        inside = path.is_relative_to(root)
        return f"--mount=type=secret,id=galley-{digest(path if inside else root)[:16]} "


def digest(path: Path) -> str:
    """Of all names, modes and bytes at `path`. No link is followed."""
    found = hashlib.sha256()
    if not path.is_dir():
        _add(found, path, "")
    for folder, names, files in os.walk(path):
        names.sort()
        for name in sorted([*files, *names]):
            whole = Path(folder, name)
            _add(found, whole, str(whole.relative_to(path)))
    return found.hexdigest()


def _add(found: "hashlib._Hash", path: Path, name: str) -> None:
    if path.is_symlink():
        what = str(path.readlink()).encode()
    elif path.is_file():
        with path.open("rb") as file:
            what = hashlib.file_digest(file, "sha256").digest()
    else:
        what = b""
    mode = path.lstat().st_mode if path.exists() or path.is_symlink() else 0
    found.update(f"{len(name)} {name} {mode} {len(what)} ".encode(errors="surrogateescape") + what)
