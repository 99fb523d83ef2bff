"""Files that are complete or do not exist."""

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

ABANDONED_SECONDS = 86_400.0  # longer than any operation takes


def replace(path: Path, content: bytes | str, *, mode: int = 0o644, lasting: bool = False) -> None:
    """Replace `path` by a file with `content`, atomically: readers see the old file or the new one, even after a crash.
    `lasting`: the file is complete even after a power loss.

    Concurrent calls for one file are fine: the last one wins. Only the owner can read the file before it has its
    `mode`. In a folder of another user, none of their symbolic links is followed.
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
    """Remove files and folders that a kill left behind: those not touched for ABANDONED_SECONDS."""
    oldest = time.time() - ABANDONED_SECONDS
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            if path.lstat().st_mtime < oldest:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
