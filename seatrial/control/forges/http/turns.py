"""When a request may go to the forge: not too many at once, one change at a time, and no more than the forge likes.

Forges refuse clients that come too thick and fast, whatever their budget is. GitHub asks for one change after the other,
for a second between many, for no more than 900 points a minute, where a change counts five, and for no more than 80
changes a minute and 500 an hour that people are told of.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock

from seatrial.control.forges.errors import Limited
from seatrial.control.forges.http.meters import Local, Meter, Meters
from seatrial.control.forges.urgency import Urgency

AT_ONCE = 8
PATIENCE_SECONDS = 60.0
CHANGE_POINTS = 5
POINTS_TAKEN = 25  # by a process that shares them, so that most requests ask nobody
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
CONTENT_AT_ONCE = 0.2  # of an hour's; the rest comes evenly, so no hour has more than all of them
HOUR = 3_600.0


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What a forge likes. `changes` may follow each other at once, further ones come a second apart.

    Changes whose path is a `content` are those that people are told of.
    """

    points_per_minute: int
    changes: int
    content: re.Pattern[str]
    content_per_hour: int


class Turns:
    """The turns of those whose requests a forge counts together. Thread-safe.

    How fast requests come is counted for all processes after `share`; how many are under way, for each. Whoever waits for
    a turn waits at most PATIENCE_SECONDS. `clock` and `sleep` count seconds.
    """

    def __init__(
        self,
        pace: Pace | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pace, self._sleep = pace, sleep
        self._meters: Meters = Local(clock)
        self._batch = 1
        self._slots = BoundedSemaphore(AT_ONCE)
        self._changing = Lock()
        self._points = Lock()
        self._taken = 0

    def share(self, meters: Meters) -> None:
        """From now on, count with the other processes."""
        self._meters, self._batch = meters, POINTS_TAKEN

    @contextmanager
    def taken(self, method: str, urgency: Urgency, path: str = "") -> Iterator[None]:
        """Inside, one request with `method` may be sent. Raises Limited when it may not be sent soon."""
        with self._held(self._slots):
            if method in SAFE:
                self._count(1, urgency)
                yield
                return
            with self._held(self._changing):
                self._count(CHANGE_POINTS, urgency)
                self._keep_distance(path)
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
        """Take points; a few more than needed, which stay for the next requests of this process."""
        if self._pace is None:
            return
        each = 60 / self._pace.points_per_minute
        most = 60 * (1 - urgency.value)
        with self._points:
            if self._taken >= points:
                self._taken -= points
                return
        wanted = max(points, self._batch)
        taken = self._meters.take(Meter.POINTS, wanted * each, most)
        if not taken.given:
            wait = max(taken.ahead + wanted * each - most, each)
            raise Limited(
                f"The forge likes no more than {self._pace.points_per_minute:,} points a minute.", wait
            )
        with self._points:
            self._taken += wanted - points

    def _keep_distance(self, path: str) -> None:
        """Wait until this change may go: only called by whoever holds the turn for changes."""
        if self._pace is None:
            return
        if self._pace.content.search(path):
            each = HOUR / self._pace.content_per_hour / (1 - CONTENT_AT_ONCE)
            most = each * self._pace.content_per_hour * CONTENT_AT_ONCE
            taken = self._meters.take(Meter.CONTENT, each, most)
            if not taken.given:
                said = f"The forge likes no more than {self._pace.content_per_hour} comments an hour."
                raise Limited(said, max(taken.ahead + each - most, 1.0))
        taken = self._meters.take(Meter.CHANGES, 1, self._pace.changes + PATIENCE_SECONDS)
        if not taken.given:
            raise Limited("Earlier changes at the forge come first, a second apart.", PATIENCE_SECONDS)
        early = taken.ahead - self._pace.changes
        if early > 0:
            self._sleep(early)
