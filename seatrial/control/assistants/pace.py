"""How often a token may ask: so many requests in each minute, counted in the cache that all web processes share."""

import time

from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction

MINUTE = 60
PACE_LOCK = (
    7_203  # with a token's own number: its requests are counted one after another, by whichever process
)


def seconds_to_wait(token: str) -> int:
    """Counts a request of the token with this id; 0: it may be answered."""
    most = settings.CONFIGURATION.galley_mcp_requests
    if most == 0:
        return 0
    minute, second = divmod(int(time.time()), MINUTE)
    asked = _counted(f"mcp-{token}-{minute}")
    return 0 if asked <= most else MINUTE - second


def _counted(key: str) -> int:
    """How many requests there were with this one. The cache itself reads a number and writes another, as two steps."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [PACE_LOCK, key])
        cache.add(key, 0, 2 * MINUTE)
        try:
            return cache.incr(key)
        except ValueError:  # the cache was full, and made room
            return 1
