"""Notices that this process slept or was cut off itself: then the silence of others proves nothing."""

from datetime import datetime, timedelta

from django.utils import timezone


class Attention:
    """By the wall clock, which goes on while a laptop sleeps. Call `here` after each round that succeeded."""

    def __init__(self, gap_seconds: float) -> None:
        self._gap = timedelta(seconds=gap_seconds)
        self._last: datetime | None = None

    def was_away(self) -> bool:
        """True when the last round is longer ago than the gap: asleep, or without a database."""
        return self._last is not None and timezone.now() - self._last > self._gap

    def here(self) -> None:
        """A round is done."""
        self._last = timezone.now()
