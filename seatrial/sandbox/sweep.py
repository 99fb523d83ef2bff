"""Nothing of an ended child stays: no process of its uid."""

import contextlib
import os
import signal
from pathlib import Path

from seatrial.sandbox.limits import FIRST_UID


def after(channel: int) -> None:
    """Kill what a child managed to leave behind, should it have managed to. Only uids of our own giving are touched."""
    for _ in range(3):
        left = _processes_of(FIRST_UID + channel)
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _processes_of(uid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if entry.stat().st_uid == uid:
                    found.append(int(entry.name))
    return found
