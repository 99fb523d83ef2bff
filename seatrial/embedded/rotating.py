"""Rotating the keys in the data directory: another one takes the place of the present one, which stays beside it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from seatrial import files
from seatrial.control.vault.keys import MasterKey
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.processes import Records

ENDING_SECONDS = 60.0


def replace(data: DataDirectory, key: Path, fresh: str) -> None:
    """Have `fresh` take the place of what is in the file `key`. A crash in between loses neither."""
    with _alone(data):
        present = key.read_text().strip()
        former = [present, *(one for one in _listed(data.former(key)) if one != present)]
        _write(data.former(key), ",".join(former))
        _write(key, fresh)


def forget(data: DataDirectory, key: Path) -> int:
    """Remove the former keys of `key`; returns how many there were."""
    with _alone(data):
        count = len(_listed(data.former(key)))
        _write(data.former(key), "")
    return count


def has_former(data: DataDirectory, key: Path) -> bool:
    """Whether another key was in the place of `key`."""
    present = key.read_text().strip()
    return any(one != present for one in _listed(data.former(key)))


def key_id(key: Path) -> str:
    """The id of the master key in this file."""
    return MasterKey.parse(key.read_text()).id


def restart(data: DataDirectory, name: str) -> None:
    """End a process of the platform, and wait for that; its supervisor starts it again at once, with the keys as they are now."""
    record = Records(data.run).read(name)
    if process := record and record.find():
        with contextlib.suppress(psutil.Error):
            process.terminate()
            process.wait(ENDING_SECONDS)


def _listed(file: Path) -> list[str]:
    try:
        return [one.strip() for one in file.read_text().split(",") if one.strip()]
    except FileNotFoundError:
        return []


def _write(file: Path, text: str) -> None:
    files.replace(file, text + "\n", mode=0o600, lasting=True)


@contextmanager
def _alone(data: DataDirectory) -> Iterator[None]:
    """Two at once would forget the key that one of them has just written."""
    folder = os.open(data.keys, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
