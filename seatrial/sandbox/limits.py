"""A child's limits and user. The child sets all of them itself before any foreign code runs."""

import functools
import os
import resource
import tempfile
from pathlib import Path

from seatrial.sandbox import barrier
from seatrial.sandbox.quarters import Quarters

OPEN_FILES = 64
FILE_BYTES = 16 << 20


def become(quarters: Quarters) -> None:
    """Move into `quarters` for good, without the ability to start anything, to reach another child or to gain rights.

    Only the process runtime, which promises no isolation, may pass no uid, or run on a machine without a barrier.
    """
    if (uid := quarters.uid) is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    os.umask(0o077)
    os.chdir(quarters.folder)
    os.environ.update(HOME=quarters.folder, TMPDIR=quarters.folder)
    tempfile.tempdir = None
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NPROC, 1)
    _limit(resource.RLIMIT_FSIZE, FILE_BYTES)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    if barrier.supported():
        barrier.raise_barrier(networked=quarters.networked)


def bound(memory_mb: int, cpu_seconds: int) -> None:
    """Limit memory to `memory_mb` more than the interpreter occupies now, and processor time to `cpu_seconds`."""
    _limit(resource.RLIMIT_AS, address_space() + (memory_mb << 20))
    _limit(resource.RLIMIT_CPU, cpu_seconds)


@functools.cache
def address_space() -> int:
    """Bytes that the interpreter occupies. Read once, by the warden, because its children cannot see /proc."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def most_memory() -> int:
    """Bytes of memory that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _limit(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))
