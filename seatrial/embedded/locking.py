"""At most one supervisor per data directory, and how to find it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from seatrial.embedded.errors import EmbeddedError
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.processes import Record, Records

SUPERVISOR = "supervisor"
LIFELINE_LOOKS_SECONDS = 1.0


class AlreadyRuns(EmbeddedError):
    """Another supervisor uses the data directory. This is not a failure."""


@contextmanager
def held(data: DataDirectory, *, patience_seconds: float = 0) -> Iterator[None]:
    """Lock the data directory. Raises AlreadyRuns. The kernel releases the lock when this process ends in any way."""
    deadline = time.monotonic() + patience_seconds
    with (data.run / "supervisor.lock").open("a") as file:
        while not _locked(file):
            if time.monotonic() >= deadline:
                raise AlreadyRuns("seatrial already runs.")
            time.sleep(0.05)
        yield


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def only_one(data: DataDirectory) -> Iterator[None]:
    """Lock the data directory as its supervisor, so that `running` finds this process. Raises AlreadyRuns."""
    # The lifeline of a killed supervisor holds the lock for a moment.
    with held(data, patience_seconds=LIFELINE_LOOKS_SECONDS):
        records = Records(data.run)
        records.write(SUPERVISOR, os.getpid())
        try:
            yield
        finally:
            records.remove(SUPERVISOR)


def running(data: DataDirectory) -> Record | None:
    """The living supervisor of this data directory, or None."""
    record = Records(data.run).read(SUPERVISOR)
    return record if record and record.find() else None
