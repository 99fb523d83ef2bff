"""Nothing of an ended child stays: no process of its uid."""

import contextlib
import os
import signal
from pathlib import Path


def after(uid: int) -> None:
    """Kill any process left behind by the child that had `uid`, which no other child has."""
    for _ in range(3):
        left = _processes_of(uid)
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _processes_of(uid: int) -> list[int]:
    pids = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if entry.stat().st_uid == uid:
                    pids.append(int(entry.name))
    return pids
