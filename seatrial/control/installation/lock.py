"""The lock under which one process at a time prepares the database."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import structlog

from seatrial.control.conninfo import conninfo

log = structlog.get_logger(__name__)

LOCK = 0x5EA7_41A1_0000  # of this database: other databases of the server have locks of their own
AGAIN_SECONDS = 0.2
# A host that vanishes is noticed within half a minute. A process that dies on a living host is noticed at once.
KEEPALIVES = "-c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"


@contextmanager
def only_one() -> Iterator[None]:
    """Hold the lock, which others may hold for as long as a migration takes; the first to ask again gets it.

    It is an advisory lock of PostgreSQL that belongs to a connection of its own, so it is given back when this process
    ends in any way, and a statement that fails does not lose it. Nothing waits inside a statement, and no transaction is
    left open, because `CREATE INDEX CONCURRENTLY` would wait for both. A pooler that shares connections between
    transactions does not work: name the server itself. Raises psycopg.OperationalError.
    """
    name = f"seatrial prepares, {socket.gethostname()[:30]} {os.getpid()}"  # in pg_stat_activity
    told = False
    with psycopg.connect(conninfo(options=KEEPALIVES, application_name=name), autocommit=True) as connection:
        while not _taken(connection):
            if not told:
                log.info("another process prepares the database; waiting for it")
            told = True
            time.sleep(AGAIN_SECONDS)
        yield


def _taken(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
    return bool(row and row[0])
