"""The forge's clock, as its answers show it."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock

from django.utils import timezone


class ForgeClock:
    """The forge's time; ours until its first answer. Off by a second at most, as HTTP dates are."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ahead = timedelta()

    def heard(self, date: str | None) -> None:
        """Set the clock by a Date header; one that cannot be read changes nothing."""
        try:
            there = parsedate_to_datetime(date or "")
        except ValueError:
            return
        if there.tzinfo is not None:
            with self._lock:
                self._ahead = there - timezone.now()

    def now(self) -> datetime:
        """The forge's time."""
        with self._lock:
            return timezone.now() + self._ahead
