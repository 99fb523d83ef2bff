"""Finds the environments whose routes changed: each has a number, which readers compare with one of their own.

The number is that of the transaction that changed the routes last. Transactions get their numbers in order, but may
commit in any order. So a reader does not remember the highest number that it saw, but the lowest whose transaction was
still running: all below had ended, so their changes were seen. Changes between the two are read again, which does no
harm.

Any number of readers work independently. A crash loses nothing: a reader that remembers no number reads everything.
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
    """The number from which on this statement sees no transaction.

    It is computed by the statement itself: an earlier value would hide changes that came since.
    """

    template = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
    output_field = BigIntegerField()


@dataclass(frozen=True)
class Changes:
    """The environments that changed; with `complete`, all there are. Pass `seen` to the next call."""

    environments: list[Environment]
    seen: int
    complete: bool


def mark(environment_id: str) -> None:
    """Mark the environment's routes as changed. Call it in the transaction that changes them."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [environment_id])


def changed(since: int) -> Changes:
    """The environments that changed `since` the last call, also terminated ones; since EVERYTHING: all living ones.

    Two queries. Do not call it inside an older snapshot, so that everything committed before the call is seen.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RUNNING)
        (running,) = cursor.fetchone()
    rows = Environment.objects.select_related("live", "candidate", "project").order_by("id")
    if since == EVERYTHING or running < since:  # numbers went down: this is another database
        return Changes(list(rows.exclude(state=EnvironmentState.TERMINATED)), running, complete=True)
    # A number that is higher than any so far came from another database; such marks are skipped.
    marked = rows.filter(route_mark__transaction__gte=since, route_mark__transaction__lt=_Next())
    return Changes(list(marked), running, complete=False)
