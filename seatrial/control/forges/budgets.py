"""What forges said about the budgets of each connection, and how fast it is asked, where every process and page sees it."""

import contextlib
from typing import Any

from django.db import connection

from seatrial.control.database_errors import AWAY
from seatrial.control.forges.http.budget import SAME_PERIOD_SECONDS, Standing, Whose
from seatrial.control.forges.http.meters import Local, Meter, Taken

MOST = 2**31 - 1  # that the columns hold

_READ = """
    SELECT "left", most, EXTRACT(EPOCH FROM resets_at - clock_timestamp()),
           EXTRACT(EPOCH FROM paused_until - clock_timestamp())
    FROM forges_storedbudget WHERE connection_id = %s AND installation = %s
"""
# One statement, so that processes which write at the same time do not undo each other. The later period counts, within
# a period the smaller number, and the longer pause. A connection that is not there (yet, or any more) gets no row.
_WRITE = """
    INSERT INTO forges_storedbudget AS known
        (connection_id, installation, name, "left", most, resets_at, paused_until, heard_at)
    SELECT id, %(installation)s, %(name)s, %(left)s::integer, %(most)s::integer,
           clock_timestamp() + %(resets_in)s * interval '1 second',
           clock_timestamp() + %(paused_for)s * interval '1 second', clock_timestamp()
    FROM projects_connection WHERE id = %(connection)s
    ON CONFLICT (connection_id, installation) DO UPDATE SET
        name = COALESCE(NULLIF(excluded.name, ''), known.name),
        "left" = CASE
            WHEN excluded."left" IS NULL
                OR excluded.resets_at < known.resets_at - %(same)s * interval '1 second' THEN known."left"
            WHEN excluded.resets_at > known.resets_at + %(same)s * interval '1 second' THEN excluded."left"
            ELSE LEAST(known."left", excluded."left") END,
        most = COALESCE(excluded.most, known.most),
        resets_at = CASE WHEN excluded."left" IS NULL THEN known.resets_at
            ELSE GREATEST(known.resets_at, excluded.resets_at) END,
        paused_until = GREATEST(known.paused_until, excluded.paused_until),
        heard_at = excluded.heard_at
"""
# One statement again. It changes nothing, and returns nothing, when too much was asked already.
_TAKE = """
    INSERT INTO forges_storedbudget AS known (connection_id, installation, name, {meter})
    SELECT id, %(installation)s, %(name)s, clock_timestamp() + %(seconds)s * interval '1 second'
    FROM projects_connection WHERE id = %(connection)s
    ON CONFLICT (connection_id, installation) DO UPDATE SET
        {meter} = GREATEST(known.{meter}, clock_timestamp()) + %(seconds)s * interval '1 second'
        WHERE GREATEST(known.{meter}, clock_timestamp()) + (%(seconds)s - %(most)s) * interval '1 second'
            <= clock_timestamp()
    RETURNING EXTRACT(EPOCH FROM {meter} - clock_timestamp())
"""
_AHEAD = """
    SELECT EXTRACT(EPOCH FROM {meter} - clock_timestamp())
    FROM forges_storedbudget WHERE connection_id = %(connection)s AND installation = %(installation)s
"""


class Stored:
    """One row. Times in it are the database's, so the processes' clocks may differ.

    Without the database, nothing is known and nothing is kept: the forge is asked all the same, and each process keeps to
    the forge's pace by itself.
    """

    def __init__(self, connection_id: str, whose: Whose) -> None:
        self._key = {"connection": connection_id, "installation": whose.key, "name": whose.name[:200]}
        self._local = Local()

    def read(self) -> Standing:
        """What some process heard."""
        with contextlib.suppress(*AWAY), connection.cursor() as cursor:
            cursor.execute(_READ, [self._key["connection"], self._key["installation"]])
            return _standing(cursor.fetchone())
        return Standing()

    def write(self, standing: Standing) -> None:
        """Add what this process heard."""
        values: dict[str, Any] = {
            **self._key,
            "left": None if standing.left is None else min(standing.left, MOST),
            "most": None if standing.most is None else min(standing.most, MOST),
            "resets_in": standing.resets_in,
            "paused_for": standing.paused_for,
            "same": SAME_PERIOD_SECONDS,
        }
        with contextlib.suppress(*AWAY), connection.cursor() as cursor:
            cursor.execute(_WRITE, values)

    def take(self, meter: Meter, seconds: float, most: float) -> Taken:
        """See `Meters`."""
        values: dict[str, Any] = {**self._key, "seconds": seconds, "most": most}
        column = f"{meter}_until"
        with contextlib.suppress(*AWAY), connection.cursor() as cursor:
            cursor.execute(_TAKE.format(meter=column), values)
            if row := cursor.fetchone():
                return Taken(given=True, ahead=float(row[0]))
            cursor.execute(_AHEAD.format(meter=column), values)
            if row := cursor.fetchone():
                return Taken(given=False, ahead=max(0.0, float(row[0] or 0)))
        return self._local.take(meter, seconds, most)


def _standing(row: tuple[Any, ...] | None) -> Standing:
    if row is None:
        return Standing()
    left, most, resets_in, paused_for = row
    over = resets_in is None or resets_in <= 0
    return Standing(
        left=None if over else left,
        most=most,
        resets_in=0.0 if over else float(resets_in),
        paused_for=max(0.0, float(paused_for or 0)),
    )
