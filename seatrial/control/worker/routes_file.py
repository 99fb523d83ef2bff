"""The one file that Traefik watches: whole at any moment, and never replaced by a worker that knows less."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Traefik reads its whole directory again for everything that happens in it, but does not watch folders below: the
# next file is written in one, so that a change is one event.
NEXT = ".next"
Stamp = tuple[int, int, int]


class RoutesFile:
    """Any number of workers write it. `alone` is held from looking at the database to replacing the file.

    A lock of the file system, not of the database: it is held exactly as long as its holder can still write. A
    database's lock goes when its connection is cut, and a slow worker would then overwrite what another wrote.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written: tuple[str, Stamp] | None = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other worker, of any process of this host, is between looking and writing."""
        folder = self.path.parent / NEXT
        folder.mkdir(parents=True, exist_ok=True)
        held = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
        finally:
            os.close(held)

    def write(self, text: str) -> bool:
        """Replace the file in one step unless it holds `text`; True when it did. Only while `alone`.

        A file that is as we left it, by its inode, time and size, is not read again.
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
