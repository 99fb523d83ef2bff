"""Meters: how much was asked of a forge lately, for limits such as "so many a minute"."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import Protocol


class Meter(StrEnum):
    """What is counted."""

    POINTS = "points"
    CHANGES = "changes"
    CONTENT = "content"  # changes that people are told of


@dataclass(frozen=True)
class Taken:
    """Whether it was `given`, and for how many seconds `ahead` everything is paid for that was given so far."""

    given: bool
    ahead: float


class Meters(Protocol):
    """Counts by seconds: something of which there are so many a minute costs its part of the minute.

    Thread-safe. What is given is paid for one after the other, and never more than `most` seconds ahead of now.
    """

    def take(self, meter: Meter, seconds: float, most: float) -> Taken:
        """Take `seconds`, if everything that was taken is paid for within `most` then."""


class Local:
    """The meters of this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._until: dict[Meter, float] = {}

    def take(self, meter: Meter, seconds: float, most: float) -> Taken:
        """See `Meters`."""
        with self._lock:
            now = self._clock()
            until = max(self._until.get(meter, now), now)
            if until + seconds - now > most:
                return Taken(given=False, ahead=until - now)
            self._until[meter] = until + seconds
            return Taken(given=True, ahead=until + seconds - now)
