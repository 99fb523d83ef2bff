"""A child's limits and user. The child sets all of them itself before any foreign code runs."""

import contextlib
import os
import resource
import tempfile
from pathlib import Path

OPEN_FILES = 64
FILE_BYTES = 16 << 20
PR_SET_NO_NEW_PRIVS = 38


def become(uid: int | None) -> None:
    """Take `uid` for good, in a private folder, without the ability to fork or to gain rights.

    Only the process runtime, which promises no isolation, may pass no uid.
    """
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    os.umask(0o077)
    folder = tempfile.mkdtemp(prefix="policy-")
    os.chdir(folder)
    os.environ.update(HOME=folder, TMPDIR=folder)
    tempfile.tempdir = None
    _no_new_privileges()
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NPROC, 1)
    _limit(resource.RLIMIT_FSIZE, FILE_BYTES)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)


def bound(memory_mb: int, cpu_seconds: int) -> None:
    """Limit memory to `memory_mb` more than the interpreter occupies now, and processor time to `cpu_seconds`."""
    _limit(resource.RLIMIT_AS, _address_space() + (memory_mb << 20))
    _limit(resource.RLIMIT_CPU, cpu_seconds)


def _limit(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _no_new_privileges() -> None:
    # The container sets this flag too; if the interpreter lacks ctypes, only the container does.
    with contextlib.suppress(ImportError, OSError):
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
