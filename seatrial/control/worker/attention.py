"""Notices that this process itself slept or was cut off, so that it does not take others for silent."""

from datetime import datetime, timedelta

from django.utils import timezone


class Attention:
    """Uses the wall clock, which also runs while a laptop sleeps. Call `here` after each round that succeeded."""

    def __init__(self, gap_seconds: float) -> None:
        self._gap = timedelta(seconds=gap_seconds)
        self._last: datetime | None = None

    def was_away(self) -> bool:
        """True when the last round was longer ago than the gap: this process slept, or had no database."""
        return self._last is not None and timezone.now() - self._last > self._gap

    def here(self) -> None:
        """Record that a round succeeded."""
        self._last = timezone.now()
