"""One process at a time renews the tokens of a connection."""

import contextlib
import time
from collections.abc import Callable, Iterator

from django.db import connection as database

from seatrial.control.database_errors import AWAY
from seatrial.control.forges.errors import ForgeError

LOCK = 0x0A07  # the first half of PostgreSQL's advisory locks here; the second is the connection's
WAIT_SECONDS = 30.0  # longer than a request takes
LOOK_SECONDS = 0.05


@contextlib.contextmanager
def alone(key: str, *, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Hold the lock of the connection `key`. Raises ForgeError when another process has it for WAIT_SECONDS.

    PostgreSQL gives it back at once when its holder dies. No transaction is open for it, because a forge is asked meanwhile.
    A database that goes away meanwhile gives it back, too: what is done under it must be safe for two.
    """
    until = time.monotonic() + WAIT_SECONDS
    while not _asked("pg_try_advisory_lock", key):
        if time.monotonic() > until:
            raise ForgeError("Another process is asking for new tokens of this connection")
        sleep(LOOK_SECONDS)
    try:
        yield
    finally:
        with contextlib.suppress(*AWAY):
            _asked("pg_advisory_unlock", key)


def _asked(function: str, key: str) -> bool:
    with database.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, hashtext(%s))", [LOCK, key])
        return bool(cursor.fetchone()[0])
