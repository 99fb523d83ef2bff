"""Checksums, signature and the archive of a folder: the same files give the same bytes."""

import gzip
import tarfile
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from scripts.bundle.bill import hashed
from scripts.images.context import CannotBuild

SUMS, SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"
HOW = "Make one with: openssl genpkey -algorithm ed25519 -out signing.pem"


def signing_key(given: str) -> Ed25519PrivateKey | None:
    """The key in the file `given`; None if no file is given. Raises CannotBuild."""
    if not given:
        return None
    try:
        key = load_pem_private_key(Path(given).read_bytes(), password=None)
    except OSError as error:
        raise CannotBuild(f"SIGNING_KEY: {given} cannot be read: {error.strerror}. {HOW}") from None
    except TypeError:
        raise CannotBuild(f"SIGNING_KEY: {given} is locked with a password. Give a key without one") from None
    except (ValueError, UnsupportedAlgorithm):
        raise CannotBuild(f"SIGNING_KEY: {given} is not a private key in PEM. {HOW}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise CannotBuild(f"SIGNING_KEY: {given} is not an Ed25519 key. {HOW}")
    return key


def sum_up(folder: Path, key: Ed25519PrivateKey | None) -> None:
    """Write the checksums of every file, and their signature. `verify-bundle` counts on the order of the names."""
    lines = [f"{hashed(path)}  {path.relative_to(folder)}\n" for path in files(folder)]
    text = "".join(lines).encode()
    (folder / SUMS).write_bytes(text)
    if key:
        (folder / SIGNATURE).write_bytes(key.sign(text))


def files(folder: Path) -> list[Path]:
    """Every file in a folder, sorted by name."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(found, key=lambda path: str(path.relative_to(folder)))


def pack(folder: Path, target: Path, seconds: int) -> None:
    """Write the archive of a folder: in order, everything root's, of one time. It appears whole under its name, or not at all."""
    partial = target.with_name(f".{target.name}.partial")
    try:
        with (
            partial.open("wb") as raw,
            gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
        ):
            for path in in_order(folder):
                entry = archive.gettarinfo(path, str(path.relative_to(folder.parent)))
                entry.uid = entry.gid = 0
                entry.uname = entry.gname = "root"
                entry.mtime = seconds
                entry.mode = 0o755 if path.is_dir() or entry.mode & 0o100 else 0o644
                if path.is_file():
                    with path.open("rb") as content:
                        archive.addfile(entry, content)
                else:
                    archive.addfile(entry)
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
    target.with_name(f"{target.name}.sha256").write_text(f"{hashed(target)}  {target.name}\n")


def in_order(folder: Path) -> list[Path]:
    """A folder and all in it, small files first: a full disk on the other side cuts the images, not what finds that out."""
    folders = sorted(path for path in folder.rglob("*") if path.is_dir())
    return [folder, *folders, *sorted(files(folder), key=lambda path: path.stat().st_size)]
