"""How often a token may ask: so many requests in each minute, counted in the cache that all web processes share."""

import time

from django.conf import settings
from django.core.cache import cache

MINUTE = 60


def seconds_to_wait(token: str) -> int:
    """Counts a request of the token with this id; 0: it may be answered. Two at the same moment may count as one."""
    most = settings.CONFIGURATION.galley_mcp_requests
    if most == 0:
        return 0
    minute, second = divmod(int(time.time()), MINUTE)
    key = f"mcp-{token}-{minute}"
    cache.add(key, 0, 2 * MINUTE)
    try:
        asked = cache.incr(key)
    except ValueError:  # the cache was full, and made room
        asked = 1
    return 0 if asked <= most else MINUTE - second
