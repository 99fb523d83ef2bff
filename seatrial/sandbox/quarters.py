"""What each child has for itself, and what all of them are kept from. Done as root, before any child exists."""

import ctypes
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

FOLDER_BYTES = 16 << 20  # that a child's own folder can hold, where it can be mounted
READ_ONLY, NO_SUID, NO_DEVICES, NO_PROGRAMS, BIND = 1, 2, 4, 8, 4096
HARMLESS = {
    "null",
    "zero",
    "full",
    "random",
    "urandom",
}  # devices through which nothing passes from one to the other


@dataclass(frozen=True)
class Quarters:
    """A child's own user, None for the warden's, the one folder it can write to, and whether it may connect to anything."""

    uid: int | None
    folder: str
    networked: bool = False


def furnish(uid: int | None, *, mounted: bool = False, networked: bool = False) -> Quarters:
    """A new folder in $TMPDIR for the child with `uid`; `mounted`: a file system of its own, which it cannot leave full for others.

    The child may open its folder to everybody, but no other can pass the folder around it.
    """
    outer = Path(tempfile.mkdtemp(prefix="policy-"))
    folder = outer / "own"
    folder.mkdir(0o700)
    if uid is not None:
        if mounted:
            owner = f"size={FOLDER_BYTES},mode=0700,uid={uid},gid={uid}"
            _mount(str(folder), NO_SUID | NO_DEVICES | NO_PROGRAMS, owner)
        else:
            os.chown(folder, uid, uid)
        os.chown(outer, -1, uid)
        outer.chmod(0o710)
    return Quarters(uid, str(folder), networked)


def close_shared() -> None:
    """Close all places in which one child could leave something for another: $TMPDIR, shared memory, queues, terminals."""
    Path(tempfile.gettempdir()).chmod(0o711)
    for entry in Path("/dev").iterdir():
        if entry.name not in HARMLESS and not stat.S_ISLNK(entry.lstat().st_mode):
            entry.chmod(0o700)


def hide_processes() -> None:
    """Cover /proc, in which children see each other. Needs the right to mount."""
    _mount("/proc", READ_ONLY, "")


def put_over(path: str, file: str) -> None:
    """Show the content of `file` at `path`, for good. Needs the right to mount."""
    _mount(path, BIND, "", what=file)


def _mount(path: str, flags: int, options: str, *, what: str = "policy") -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(what.encode(), path.encode(), b"tmpfs", flags, options.encode()) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot mount: {os.strerror(number)}", path)
