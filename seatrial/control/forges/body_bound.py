"""How large a request's body may be. Webhooks may be large, if their connection exists."""

import re
import time
from collections.abc import MutableMapping
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection

from seatrial.control.database_errors import AWAY
from seatrial.control.forges import intake, shared_door
from seatrial.control.forges.errors import UnknownConnection
from seatrial.control.forges.registry import FORGES
from seatrial.control.projects.models import Connection

OTHER_BYTES = 1_000_000  # stays in memory: Django writes larger ones to files
REMEMBERED_SECONDS = 60.0
_WEBHOOK = re.compile(r"/api/v1/webhooks/([^/]+)/([^/]+)")
_SHARED = re.compile(r"/api/(?:v1/)?webhooks/([^/]+)/?")


async def body_bound(scope: MutableMapping[str, Any]) -> int:
    """The limit in bytes. Raises UnknownConnection for a webhook of no connection.

    Makes a query for the first webhook of a connection in a minute. Whoever then sends to a connection that was removed
    meanwhile has a body read, and nothing more.
    """
    if scope["method"] != "POST":
        return OTHER_BYTES
    where = address(scope["path"])
    if where is None:
        return OTHER_BYTES
    forge, key = where
    if not key:
        return await sync_to_async(_most, thread_sensitive=False)(forge)
    if _known.get(where, 0.0) < time.monotonic():
        if not await sync_to_async(_may_be, thread_sensitive=False)(*where):
            raise UnknownConnection
        _known[where] = time.monotonic() + REMEMBERED_SECONDS
    return intake.MAX_BYTES


# Connections that exist, and until when that is taken for granted. No larger than the table of connections.
_known: dict[tuple[str, str], float] = {}


def address(path: str) -> tuple[str, str] | None:
    """The kind of forge and the connection's id in a webhook's address; the id is empty in one that names no connection."""
    if webhook := _WEBHOOK.fullmatch(path):
        return webhook[1], webhook[2]
    shared = _SHARED.fullmatch(path)
    return (shared[1], "") if shared else None


def find(forge: str, key: str) -> Connection | None:
    """The connection with this webhook address."""
    if not key.isalnum() or forge not in FORGES:  # saves a query for an address that cannot exist
        return None
    # Asked for each webhook: what Django takes to write this query is longer than what the database takes to run it.
    query = f"SELECT * FROM {Connection._meta.db_table} WHERE id = %s AND forge = %s"  # noqa: S608
    return next(iter(Connection.objects.raw(query, [key, forge])), None)


def _most(forge: str) -> int:
    """The limit of an address that names no connection. While the database is away, the view answers with that error."""
    try:
        return shared_door.bound(forge)
    except AWAY:
        return OTHER_BYTES
    finally:
        connection.close()  # no request ends in this thread, which would do it


def _may_be(forge: str, key: str) -> bool:
    """Whether the connection exists. True while the database is away: the view then answers with that error."""
    try:
        return find(forge, key) is not None
    except AWAY:
        return True
    finally:
        connection.close()  # no request ends in this thread, which would do it
