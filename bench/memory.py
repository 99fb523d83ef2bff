"""Measures the memory that the idle platform takes."""

import psutil

from bench.timing import Measurement
from e2e.platform import Platform


def measure(platform: Platform) -> list[Measurement]:
    """Proportional set size of the supervisor and everything below it; containers are not below it."""
    supervisor = platform.supervisor()
    total = 0
    parts: dict[str, float] = {}
    for process in [supervisor, *supervisor.children(recursive=True)]:
        try:
            size = process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        total += size
        parts[process.name()] = parts.get(process.name(), 0) + size / 2**20
    rows = [Measurement(f"idle memory, {name}", "MB", [size]) for name, size in sorted(parts.items())]
    return [Measurement("idle memory", "MB", [total / 2**20]), *rows]
