"""The file that Traefik watches. It is complete at any moment, and a worker never replaces it by an older state."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Traefik reads its whole directory again after every event in it, but does not watch folders below. So the new file is
# written in such a folder and moved, which is one event.
NEXT = ".next"
Stamp = tuple[int, int, int]


class RoutesFile:
    """Any number of workers write it. A worker holds `alone` from reading the database until it has replaced the file.

    It is a lock of the file system, because that is held for exactly as long as its holder can still write. A lock of
    the database would be lost with the connection, and a slow worker could then overwrite what another one wrote.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written: tuple[str, Stamp] | None = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock: wait until no other worker on this host is between reading the database and writing."""
        folder = self.path.parent / NEXT
        folder.mkdir(parents=True, exist_ok=True)
        held = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
        finally:
            os.close(held)

    def write(self, text: str) -> bool:
        """Replace the file in one step, unless it contains `text` already; True if it was replaced.

        Only call it while holding `alone`. If inode, time and size are as we left them, the file is not read again.
        """
        if self._written is not None and self._written == (text, self._stamp()):
            return False
        if self._holds(text):
            self._written = (text, self._stamp() or (0, 0, 0))
            return False
        temporary = self.path.parent / NEXT / f"{self.path.name}.part"
        temporary.write_text(text)
        written = _stamp(temporary)
        temporary.replace(self.path)
        self._written = (text, written)
        return True

    def _holds(self, text: str) -> bool:
        try:
            return self.path.read_bytes() == text.encode()
        except FileNotFoundError:
            return False

    def _stamp(self) -> Stamp | None:
        try:
            return _stamp(self.path)
        except FileNotFoundError:
            return None


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size
