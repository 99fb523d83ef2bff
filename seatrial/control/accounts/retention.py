"""Deletes invitations that nobody accepted, tokens that expired, and expired sessions and counts of failed sign-ins, which Django only deletes when
they are read."""

from datetime import datetime

from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db import connection

from seatrial.control import keeping
from seatrial.control.accounts.models import ApiToken, Invitation


def prune(now: datetime) -> int:
    """Delete what has expired; returns how many."""
    horizon = keeping.SESSIONS.horizon(now)
    late = Invitation.objects.filter(uid="", expires_at__lt=keeping.INVITATIONS.horizon(now))
    expired = ApiToken.objects.filter(expires_at__lt=keeping.API_TOKENS.horizon(now))
    return (
        keeping.delete(late)
        + keeping.delete(expired)
        + keeping.delete(Session.objects.filter(expire_date__lt=horizon))
        + _prune_cache(horizon)
    )


def _prune_cache(horizon: datetime) -> int:
    """Delete expired rows of the cache's table, in SQL because it has no model; returns how many."""
    table = connection.ops.quote_name(caches["default"]._table)  # type: ignore[attr-defined]  # noqa: SLF001  its name is nowhere else
    expired = f"SELECT cache_key FROM {table} WHERE expires < %s LIMIT %s FOR UPDATE SKIP LOCKED"  # noqa: S608
    gone = 0
    with connection.cursor() as cursor:
        for _ in range(keeping.MOST_BATCHES):
            cursor.execute(
                f"DELETE FROM {table} WHERE cache_key IN ({expired})",  # noqa: S608
                [horizon, keeping.BATCH],
            )
            gone += cursor.rowcount
            if cursor.rowcount < keeping.BATCH:
                break
    return gone
