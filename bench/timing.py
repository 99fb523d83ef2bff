"""Measurements, summed up by their median and spread."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Measurement:
    """Repeated measurements of one thing, in `unit`."""

    name: str
    unit: str
    values: Sequence[float]

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.values)

    def as_dict(self) -> dict[str, Any]:
        """The measurement as it is written to the JSON file."""
        return {**asdict(self), "median": self.median, "min": min(self.values), "max": max(self.values)}


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@contextmanager
def stopwatch() -> Iterator[Callable[[], float]]:
    """A function that returns the seconds since the block began."""
    started = time.perf_counter()
    yield lambda: time.perf_counter() - started


def wait_until(check: Callable[[], bool], *, seconds: float = 120, every: float = 0.02) -> None:
    """Poll until `check` holds. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise TimeoutError(f"did not hold within {seconds:.0f} s")
        time.sleep(every)
