"""How long an answer asks us to wait."""

from email.utils import parsedate_to_datetime

import httpx

from seatrial.control.forges.http.clock import ForgeClock


def retry_after_seconds(headers: httpx.Headers, clock: ForgeClock) -> float:
    """The seconds in Retry-After, which may also be a date, by the forge's `clock`; 0 without one that can be read."""
    value = headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - clock.now()).total_seconds())
    except (ValueError, TypeError):
        return 0.0
