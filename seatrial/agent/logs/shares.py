"""How much of the room for log lines one preview may take: the bus keeps those of all, and drops the oldest."""

import time
from collections.abc import Callable
from dataclasses import dataclass

HOUR_SECONDS = 3600.0
RESUME_AT = 1 / 16  # of a share: a preview that used its own up is heard again in stretches, not line by line


@dataclass
class _Share:
    """What is left of one, as of a time; `used_up` until it has grown again."""

    left: float
    at: float
    used_up: bool = False


class Shares:
    """A share of so many bytes an hour for each environment. What was not used is saved, up to one hour's.

    A preview that prints without end so costs all others the oldest lines they have after many hours, and not all they
    have within a minute. 0 bytes: no limit. Kept in memory: a restarted agent begins anew.
    """

    def __init__(self, bytes_per_hour: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.bytes_per_hour = bytes_per_hour
        self._clock = clock
        self._shares: dict[str, _Share] = {}

    def take(self, environment: str, size: int) -> bool:
        """True when `size` bytes may be sent for it; they count from then on. False: nothing was taken."""
        if not self.bytes_per_hour:
            return True
        share = self._grown(environment)
        if share.used_up and share.left < self.bytes_per_hour * RESUME_AT:
            return False
        share.used_up = share.left < size
        if not share.used_up:
            share.left -= size
        return not share.used_up

    def _grown(self, environment: str) -> _Share:
        now = self._clock()
        share = self._shares.get(environment)
        if share is None:
            self._forget(now)
            share = self._shares[environment] = _Share(self.bytes_per_hour, now)
        grown = (now - share.at) * self.bytes_per_hour / HOUR_SECONDS
        share.left, share.at = min(float(self.bytes_per_hour), share.left + grown), now
        return share

    def _forget(self, now: float) -> None:
        """Those that are whole again say nothing."""
        for environment in [name for name, share in self._shares.items() if now - share.at >= HOUR_SECONDS]:
            del self._shares[environment]
