"""How large a request's body may be: webhooks are large, but only where there is a connection for them."""

import re
from collections.abc import MutableMapping
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection

from seatrial.control.database_errors import AWAY
from seatrial.control.forges import intake
from seatrial.control.forges.errors import UnknownConnection
from seatrial.control.forges.registry import FORGES
from seatrial.control.projects.models import Connection

OTHER_BYTES = 1_000_000  # stays in memory: Django writes larger ones to files
_WEBHOOK = re.compile(r"/api/v1/webhooks/([^/]+)/([^/]+)")


async def body_bound(scope: MutableMapping[str, Any]) -> int:
    """Bytes. Raises UnknownConnection for a webhook that is for none. One query, for webhooks only."""
    webhook = _WEBHOOK.fullmatch(scope["path"])
    if webhook is None or scope["method"] != "POST":
        return OTHER_BYTES
    if not await sync_to_async(_may_be, thread_sensitive=False)(*webhook.groups()):
        raise UnknownConnection
    return intake.MAX_BYTES


def find(forge: str, key: str) -> Connection | None:
    """The connection with this webhook address."""
    if not key.isalnum() or forge not in FORGES:  # saves a query for an address that cannot exist
        return None
    return Connection.objects.filter(pk=key, forge=forge).first()


def _may_be(forge: str, key: str) -> bool:
    """True also while the database is away: it is said by whoever answers the request."""
    try:
        return find(forge, key) is not None
    except AWAY:
        return True
    finally:
        connection.close()  # this thread is nobody's: no request ends in it
