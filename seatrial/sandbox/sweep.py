"""Ends the processes that an ended child left behind."""

import contextlib
import os
import signal
from pathlib import Path


def after(uid: int) -> None:
    """Kill every process of `uid`, which belonged to one ended child and to no other."""
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
