"""The processes below one, as the kernel lists them. psutil reads the state of every process of the host for that."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

# Kernels without CONFIG_PROC_CHILDREN have no such file; Linux itself does not promise more than that there may be one.
LISTED = Path(f"/proc/self/task/{os.getpid()}/children").exists()


def below(process: psutil.Process) -> list[psutil.Process]:
    """All descendants. Those that end meanwhile may be missing, and what such a one left behind as well."""
    if not LISTED:
        return process.children(recursive=True)
    found: list[psutil.Process] = []
    numbers = list(_children(process.pid))
    while numbers:
        number = numbers.pop()
        with contextlib.suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(number))
        numbers += _children(number)
    return found


def _children(number: int) -> Iterator[int]:
    """Of each thread its own."""
    threads: list[Path] = []
    with contextlib.suppress(OSError):
        threads = list(Path(f"/proc/{number}/task").iterdir())
    for thread in threads:
        with contextlib.suppress(OSError):
            yield from map(int, (thread / "children").read_text().split())
