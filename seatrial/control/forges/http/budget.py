"""How many more requests the forge accepts, according to its last answer."""

import time
from collections.abc import Callable
from threading import Lock

from seatrial.control.forges.errors import ForgeError


class Budget:
    """Requests left, and the seconds until there are new ones. Thread-safe. Unlimited until the forge names a number.

    The forge's times are only used as durations, so our clock may be wrong. `clock` counts seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._left: int | None = None
        self._resets_at = 0.0

    def note(self, *, left: int, resets_in_seconds: float) -> None:
        """Record how many requests the forge said are left, and when there are new ones.

        Answers may arrive out of order: within the same period, the smaller number is the newer one.
        """
        resets_at = self._clock() + max(0.0, resets_in_seconds)
        with self._lock:
            same = self._left is not None and abs(resets_at - self._resets_at) < 2.0
            self._left = min(left, self._left) if same and self._left is not None else left
            self._resets_at = resets_at

    def pause(self, seconds: float) -> None:
        """Allow no request for `seconds`, because the forge asked for that."""
        with self._lock:
            self._left = 0
            self._resets_at = max(self._resets_at, self._clock() + seconds)

    def spend(self) -> None:
        """Take one request. Raises ForgeError, with `retry_after_seconds`, when none is left."""
        with self._lock:
            if self._left is None:
                return
            wait = self._resets_at - self._clock()
            if wait <= 0:
                self._left = None
            elif self._left == 0:
                raise ForgeError(
                    f"No request is left at the forge for {wait:.0f} s.", retry_after_seconds=wait
                )
            else:
                self._left -= 1
