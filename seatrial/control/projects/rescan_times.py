"""When a project is re-scanned: never, daily, weekly, or as a cron expression says. All times are UTC."""

import hashlib
from datetime import datetime, timedelta
from itertools import pairwise

from cronsim import CronSim, CronSimError

from seatrial.control.projects.errors import BadRescan
from seatrial.wire.visible import visible

NEVER, DAILY, WEEKLY = "never", "daily", "weekly"
WORDS = (NEVER, DAILY, WEEKLY)
MOST = 100  # characters
EXAMPLE = "30 3 * * 1-5"
SOONEST = timedelta(hours=1)  # between two of one project
LOOKED_AT = 30  # times of an expression, to see how far apart they are
SPREAD = timedelta(minutes=10)  # so that a thousand projects with one expression do not come at once


def checked(text: str) -> str:
    """The setting as it is stored. Raises BadRescan."""
    plain = " ".join(text.split()).lower()
    if plain in ("", *WORDS):
        return plain or NEVER
    if len(plain) > MOST:
        raise BadRescan(f"When to re-scan has at most {MOST} characters.")
    times = _times(plain, datetime(2026, 1, 1))
    first = [one for one, _ in zip(times, range(LOOKED_AT), strict=False)]
    if not first:
        raise BadRescan(f"The cron expression {visible(plain)} names no time that ever comes.")
    if any(later - earlier < SOONEST for earlier, later in pairwise(first)):
        raise BadRescan(f"A project is re-scanned once an hour at most, and {visible(plain)} is more often.")
    return plain


def next_after(setting: str, moment: datetime, *, project: str) -> datetime | None:
    """When the project is due next; None: never. `setting` was checked. Projects with the same setting are due at different times,
    each always at its own.
    """
    share = int.from_bytes(hashlib.sha256(project.encode()).digest()[:4]) / 2**32
    match setting:
        case "never":
            return None
        case "daily":
            return _next_of("0 0 * * *", moment, timedelta(days=1) * share)
        case "weekly":
            return _next_of("0 0 * * 1", moment, timedelta(weeks=1) * share)
    return _next_of(setting, moment, SPREAD * share)


def _next_of(expression: str, moment: datetime, late: timedelta) -> datetime | None:
    due = next(_times(expression, moment - late), None)
    return due + late if due is not None else None


def _times(expression: str, after: datetime) -> CronSim:
    if len(expression.split()) != 5:
        raise BadRescan(
            f"Re-scan never, daily, weekly, or by a cron expression of five parts, such as {EXAMPLE}, not {visible(expression)}."
        )
    try:
        return CronSim(expression, after)
    except CronSimError as error:
        raise BadRescan(
            f"{visible(expression)} is no cron expression ({visible(str(error))}); one is {EXAMPLE}: minute, hour, day, month, "
            "day of the week."
        ) from error
