"""Files that are there whole or not at all."""

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

ABANDONED_SECONDS = 86_400.0  # longer than anything is under way


def replace(path: Path, content: bytes | str, *, mode: int = 0o644, lasting: bool = False) -> None:
    """Put `content` into the place of `path`. Whoever reads sees the old file or the new one, and so does whoever
    looks after a crash; `lasting`: the new one, also when the machine loses its power.

    Several may replace one file at once: the last one stays. Nobody but the owner can read it before it has its
    `mode`. In a folder of another user no link of theirs is followed.
    """
    written = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            os.fchmod(file.fileno(), mode)
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        written.replace(path)
    except BaseException:
        written.unlink(missing_ok=True)
        raise


def remove_abandoned(paths: Iterable[Path]) -> None:
    """Remove those that nobody touched for ABANDONED_SECONDS: files and folders that a kill left behind."""
    oldest = time.time() - ABANDONED_SECONDS
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            if path.lstat().st_mtime < oldest:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
