"""Clocks: certificates, tokens and webhooks are judged by them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from seatrial.control.airgap.findings import Finding, fail, ok, warn

LITTLE, MUCH = 30.0, 300.0  # seconds: worth a word; tokens and certificates are refused
FIX = "Point both at the same NTP server"


def of_forge(headers: Mapping[str, str], at: datetime | None = None) -> Finding:
    """This host's clock, compared with that of a code host that has just answered with `headers`."""
    said = headers.get("Date", "")
    try:
        theirs = parsedate_to_datetime(said)
    except ValueError:
        return warn(f"clock: GitLab's answer has no time that could be compared with ours ({said!r})")
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    return compared("GitLab", theirs, at or datetime.now(UTC))


def compared(whose: str, theirs: datetime, ours: datetime) -> Finding:
    """What the difference means."""
    difference = (ours - theirs).total_seconds()
    said = (
        f"clock: ours is {abs(difference):.0f} s {'ahead of' if difference > 0 else 'behind'} that of {whose}"
    )
    if abs(difference) < LITTLE:
        return ok(f"clock: agrees with that of {whose}")
    return (warn if abs(difference) < MUCH else fail)(f"{said}. {FIX}")
