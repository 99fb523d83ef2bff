"""How many more requests the forge accepts from a connection, as it said itself, and who may still use them."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import Protocol

from django.utils import timezone

from seatrial.control.forges.errors import Limited
from seatrial.control.forges.http.meters import Meters
from seatrial.control.forges.http.turns import Pace, Turns
from seatrial.control.forges.urgency import Urgency

READ_SECONDS = 2.0  # how old our knowledge of the other processes' answers may be
WRITE_SECONDS = 5.0
SAME_PERIOD_SECONDS = 2.0  # forges count whole seconds
LONGEST_SECONDS = 3_600.0  # a forge that names a later time is asked again after this


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What forges said: how many requests are `left` of `most`, and for how many seconds; for how many to ask nothing.

    `left` is None when the forge named no number, or when the time of that number is over.
    """

    left: int | None = None
    most: int | None = None
    resets_in: float = 0.0
    paused_for: float = 0.0

    @property
    def wait(self) -> float:
        """For how many seconds no request is accepted, however urgent."""
        return max(self.paused_for, self.resets_in if self.left == 0 else 0.0)


@dataclass(frozen=True)
class Whose:
    """Whose requests a forge counts together: an installation of a GitHub App, by its id (`key`) and its account's `name`.

    Without a key, it is whoever the connection acts as.
    """

    key: str = ""
    name: str = field(default="", compare=False)


CONNECTION = Whose()


class Shared(Meters, Protocol):
    """Where the processes tell each other what the forge said, and count how fast they ask. No call raises: without it each
    knows its own.
    """

    def read(self) -> Standing:
        """What is known."""

    def write(self, standing: Standing) -> None:
        """Add what this process knows. What others know, and is worse, stays."""


class Budget:
    """The requests that are left. Thread-safe. Unlimited until the forge names a number.

    Call `spend` before a request, and `answered` after it, whatever came of it. The forge's times are only used as
    durations, so our clock may be wrong. `clock` counts seconds. After `share`, every process learns of a pause or of
    the last request within READ_SECONDS, and of everything else within WRITE_SECONDS; no lock is held meanwhile.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._left: int | None = None
        self._most: int | None = None
        self._resets_at = 0.0
        self._paused_until = 0.0
        self._under_way = 0
        self._shared: Shared | None = None
        self._read_at = self._written_at = -math.inf

    def share(self, shared: Shared) -> None:
        """From now on, share what the forge says with the other processes."""
        self._shared = shared

    def spend(self, urgency: Urgency = Urgency.REPORT) -> None:
        """Take one request. Raises Limited when none is left for this urgency."""
        self._read()
        with self._lock:
            self._refuse(urgency)
            self._under_way += 1

    def answered(self, said: Standing | None = None) -> None:
        """A request that was taken is over. `said`: what the answer said about the budget; None: nothing.

        Answers may arrive out of order: within a period the smaller number is the newer one, and an earlier period is
        over.
        """
        with self._lock:
            self._under_way -= 1
            if said is not None:
                self._take(said)
            if self._left and (said is None or said.left is None):
                self._left -= 1
            over = self._left == 0 or (said is not None and said.paused_for > 0)
        self._write(at_once=over)

    def pause(self, seconds: float) -> None:
        """Allow no request for `seconds`, because the forge asked for that."""
        with self._lock:
            self._take(Standing(paused_for=seconds))
        self._write(at_once=True)

    def standing(self) -> Standing:
        """What is known now."""
        with self._lock:
            return self._standing()

    def _standing(self) -> Standing:
        now = self._clock()
        over = self._resets_at <= now
        return Standing(
            left=None if over else self._left,
            most=self._most,
            resets_in=0.0 if over else self._resets_at - now,
            paused_for=max(0.0, self._paused_until - now),
        )

    def _take(self, said: Standing) -> None:
        now = self._clock()
        paused_until = now + min(said.paused_for, LONGEST_SECONDS)
        if said.paused_for > 0:
            self._paused_until = max(self._paused_until, paused_until)
        if said.left is None or said.resets_in <= 0:
            return
        resets_at = now + min(said.resets_in, LONGEST_SECONDS)
        ahead = resets_at - self._resets_at
        known = self._left is not None and self._resets_at > now
        self._most = said.most or max(self._most or 0, said.left)
        if not known or self._left is None or ahead > SAME_PERIOD_SECONDS:
            self._left, self._resets_at = said.left, resets_at
        elif ahead > -SAME_PERIOD_SECONDS:
            self._left, self._resets_at = min(said.left, self._left), max(resets_at, self._resets_at)

    def _refuse(self, urgency: Urgency) -> None:
        now = self._clock()
        if self._paused_until > now:
            wait = self._paused_until - now
            raise Limited(f"The forge wants to be asked nothing until {_time(wait)}.", wait)
        if self._left is None or self._resets_at <= now:
            return
        wait, free = self._resets_at - now, self._left - self._under_way
        if free <= 0:
            raise Limited(f"No request is left at the forge until {_time(wait)}.", wait)
        if free <= math.ceil((self._most or 0) * urgency.value):
            kept = f"The last {free:,} requests at the forge are kept for what is more urgent"
            raise Limited(f"{kept}, until {_time(wait)}.", wait)

    def _read(self) -> None:
        shared = self._due("_read_at", READ_SECONDS)
        if shared is not None:
            standing = shared.read()
            with self._lock:
                self._take(standing)

    def _write(self, *, at_once: bool) -> None:
        shared = self._due("_written_at", 0.0 if at_once else WRITE_SECONDS)
        if shared is not None:
            shared.write(self.standing())

    def _due(self, last: str, seconds: float) -> Shared | None:
        """Whom to ask or tell now, for one thread; None while the last time is less than `seconds` ago."""
        if self._shared is None:
            return None
        with self._lock:
            now = self._clock()
            if now - getattr(self, last) < seconds:
                return None
            setattr(self, last, now)
        return self._shared


class Allowance:
    """A budget, and the turns of its requests."""

    def __init__(self, pace: Pace | None = None) -> None:
        self.budget = Budget()
        self.turns = Turns(pace)

    def share(self, shared: Shared) -> None:
        """From now on, share both with the other processes."""
        self.budget.share(shared)
        self.turns.share(shared)


class Allowances:
    """The allowances of one connection: one for each of those whose requests the forge counts together. Thread-safe."""

    def __init__(self, pace: Pace | None = None) -> None:
        self._pace = pace
        self._lock = Lock()
        self._of: dict[Whose, Allowance] = {}
        self._shared: Callable[[Whose], Shared] | None = None

    def of(self, whose: Whose = CONNECTION) -> Allowance:
        """The same object each time."""
        with self._lock:
            if whose not in self._of:
                self._of[whose] = made = Allowance(self._pace)
                if self._shared is not None:
                    made.share(self._shared(whose))
            return self._of[whose]

    def share(self, shared: Callable[[Whose], Shared]) -> None:
        """From now on, share all of them with the other processes."""
        with self._lock:
            self._shared = shared
            for whose, allowance in self._of.items():
                allowance.share(shared(whose))


def _time(wait: float) -> str:
    """The minute in which `wait` seconds are over, for people: it stays the same however often it is computed."""
    return f"{timezone.now() + timedelta(seconds=wait + 59):%H:%M} UTC"
