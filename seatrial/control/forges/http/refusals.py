"""Credentials that a forge has refused: it is not asked with them again and again, which looks like guessing."""

import hashlib
import time
from collections.abc import Callable
from threading import Lock

OFTEN = 3  # once may be a mistake of the forge's
SECONDS = 60.0


class Refusals:
    """What was refused lately. Thread-safe. `clock` counts seconds.

    After OFTEN refusals in a row, a credential is tried again after SECONDS. Another one is not held up: tokens that are
    renewed, or entered by people, differ.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._refused: dict[bytes, tuple[int, float]] = {}

    def holds(self, credential: str) -> bool:
        """Whether the forge need not be asked with `credential` now, because it would refuse."""
        with self._lock:
            times, at = self._refused.get(_digest(credential), (0, 0.0))
            return times >= OFTEN and self._clock() - at < SECONDS

    def answered(self, credential: str, *, refused: bool) -> None:
        """The forge was asked with `credential`."""
        key, now = _digest(credential), self._clock()
        with self._lock:
            times, _ = self._refused.pop(key, (0, 0.0))
            if refused:
                self._refused[key] = (times + 1, now)
                self._refused = {one: was for one, was in self._refused.items() if now - was[1] < 2 * SECONDS}


def _digest(credential: str) -> bytes:
    return hashlib.sha256(credential.encode(errors="surrogateescape")).digest()
