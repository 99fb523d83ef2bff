"""Which environments' routes changed since one looked: a number per environment that a reader compares with its own.

The number is the transaction that changed the routes last. Numbers of transactions are given out in order and may
commit in any order, so a reader remembers not the highest it saw but the lowest that was still running: everything
below had ended, and was seen. What is between the two is read again, which changes nothing.

Any number of readers look independently; none takes anything from another, and a crash loses nothing: whoever
remembers nothing reads everything.
"""

from dataclasses import dataclass

from django.db import connection
from django.db.models import BigIntegerField, Func

from seatrial.control.previews.models import Environment
from seatrial.wire.states import EnvironmentState

EVERYTHING = 0
_MARK = """
INSERT INTO previews_routemark (environment_id, transaction) VALUES (%s, pg_current_xact_id()::text::bigint)
ON CONFLICT (environment_id) DO UPDATE SET transaction = EXCLUDED.transaction
"""
_RUNNING = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


class _Next(Func):
    """The number of a transaction that this very statement cannot see. Asked earlier, it would hide what came since."""

    template = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
    output_field = BigIntegerField()


@dataclass(frozen=True)
class Changes:
    """What changed. With `complete`, that is everything there is. `seen` is what to ask with the next time."""

    environments: list[Environment]
    seen: int
    complete: bool


def mark(environment_id: str) -> None:
    """In the transaction that changes what an environment's routes are made of."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [environment_id])


def changed(since: int) -> Changes:
    """What changed `since` the last look, terminated environments too; since EVERYTHING: all that live.

    Two queries, and not inside an older snapshot: all that was committed before the call is seen.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RUNNING)
        (running,) = cursor.fetchone()
    rows = Environment.objects.select_related("live", "candidate").order_by("id")
    if since == EVERYTHING or running < since:  # numbers that go back: this is another database
        return Changes(list(rows.exclude(state=EnvironmentState.TERMINATED)), running, complete=True)
    # A number that is yet to come was brought here from another database.
    marked = rows.filter(route_mark__transaction__gte=since, route_mark__transaction__lt=_Next())
    return Changes(list(marked), running, complete=False)
