"""Limits the log lines of one preview. The bus keeps those of all previews in one place, and drops the oldest."""

import time
from collections.abc import Callable
from dataclasses import dataclass

HOUR_SECONDS = 3600.0
RESUME_AT = 1 / 16  # of a share: then lines are sent again, so that many of them come in one piece


@dataclass
class _Share:
    """The bytes left at the time `at`. `used_up` until the share has grown to RESUME_AT."""

    left: float
    at: float
    used_up: bool = False


class Shares:
    """Gives each environment a number of bytes per hour. Unused bytes are saved, up to those of one hour.

    Without this, a preview that prints without end would push the lines of all other previews out within a minute. 0 bytes:
    no limit. The state is in memory: a restarted agent starts with full shares.
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
        """Forget shares that are full again."""
        for environment in [name for name, share in self._shares.items() if now - share.at >= HOUR_SECONDS]:
            del self._shares[environment]
