"""When a request may go to the forge: not too many at once, one change at a time, and no more than the forge likes.

Forges refuse clients that come too thick and fast, whatever their budget is. GitHub asks for one change after the other,
for a second between many, and for no more than 900 points a minute, where a change counts five.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock

from seatrial.control.forges.errors import Limited
from seatrial.control.forges.urgency import Urgency

AT_ONCE = 8
PATIENCE_SECONDS = 60.0
CHANGE_POINTS = 5
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What a forge likes. `changes` may follow each other at once, further ones come a second apart."""

    points_per_minute: int
    changes: int


class Turns:
    """The turns of one connection in this process; others keep to their own. Thread-safe.

    Whoever waits for a turn waits at most PATIENCE_SECONDS. `clock` and `sleep` count seconds.
    """

    def __init__(
        self,
        pace: Pace | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pace, self._clock, self._sleep = pace, clock, sleep
        self._slots = BoundedSemaphore(AT_ONCE)
        self._changing = Lock()
        self._points = Lock()
        self._spent, self._spent_at = 0.0, clock()
        self._next_change = clock()

    @contextmanager
    def taken(self, method: str, urgency: Urgency) -> Iterator[None]:
        """Inside, one request with `method` may be sent. Raises Limited when it may not be sent soon."""
        with self._held(self._slots):
            if method in SAFE:
                self._count(1, urgency)
                yield
                return
            with self._held(self._changing):
                self._count(CHANGE_POINTS, urgency)
                self._keep_distance()
                yield

    @contextmanager
    def _held(self, what: "BoundedSemaphore | Lock") -> Iterator[None]:
        if not what.acquire(timeout=PATIENCE_SECONDS):
            raise Limited("Earlier requests to the forge are not answered yet.", 1.0)
        try:
            yield
        finally:
            what.release()

    def _count(self, points: int, urgency: Urgency) -> None:
        if self._pace is None:
            return
        most = self._pace.points_per_minute
        with self._points:
            now = self._clock()
            self._spent = max(0.0, self._spent - (now - self._spent_at) * most / 60)
            self._spent_at = now
            over = self._spent + points - most * (1 - urgency.value)
            if over > 0:
                wait = over * 60 / most
                raise Limited(f"The forge likes no more than {most:,} points a minute.", wait)
            self._spent += points

    def _keep_distance(self) -> None:
        """Wait until this change may go: only called by whoever holds the turn for changes."""
        if self._pace is None:
            return
        now = self._clock()
        self._next_change = max(self._next_change, now) + 1
        early = self._next_change - now - self._pace.changes
        if early > 0:
            self._sleep(early)
