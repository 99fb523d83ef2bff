"""Takes webhooks ahead of Django's handler, whose way through a request costs several times what the intake does.

Only what is in order is taken here. Everything else goes the ordinary way, which takes it too, or says what is wrong.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import structlog
from django.db import connection

from seatrial.control.body_limit import Application, Message, Receive, Scope, Send
from seatrial.control.errors import ControlError
from seatrial.control.forges import body_bound, intake, shared_door
from seatrial.control.forges.errors import UnknownConnection
from seatrial.control.forges.intake import Reception
from seatrial.control.middleware_headers import MiddlewareHeaders
from seatrial.control.scopes import headers_of, is_for_us

log = structlog.get_logger(__name__)

THREADS = 8  # each uses one of the database's connections; the others are left to pages
MOST_BYTES = 1_000_000  # they stay in memory; Django writes larger bodies to files
_QUERY = re.compile(rb"(?:key=[0-9A-Za-z_-]*)?")


class Door:
    """An application in front of `ordinary`, which answers whatever is not taken here.

    A webhook is taken in one of THREADS, and stored when it is answered. If that raises, the same request goes the ordinary
    way: what failed may be over, as when the database was restarted; otherwise that way says what failed. Nothing comes
    of it twice, because the intake recognises a repeat.
    """

    def __init__(self, ordinary: Application) -> None:
        self._ordinary = ordinary
        self._headers = MiddlewareHeaders()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="webhooks")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        address = body_bound.address(scope["path"]) if _in_order(scope) else None
        if address is None:
            await self._ordinary(scope, receive, send)
            return
        body = await _whole(receive)
        if body is None:  # the client went away, or BodyLimit cut it off and will say so
            return
        loop = asyncio.get_running_loop()
        reception = await loop.run_in_executor(self._threads, _taken, *address, headers_of(scope), body)
        if reception is None:
            await self._ordinary(scope, _Again(body, receive).receive, send)
            return
        if reception.status >= 400:
            log.warning("a webhook was refused", path=scope["path"], result=reception.result)
        await self._answer(scope, send, reception)

    async def _answer(self, scope: Scope, send: Send, reception: Reception) -> None:
        content = json.dumps(reception.document).encode()
        own = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        headers = [*own, *self._headers.of(scope)]
        await send({"type": "http.response.start", "status": reception.status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


def _in_order(scope: Scope) -> bool:
    """Whether it is like what forges send: a body of usual size."""
    if scope["type"] != "http" or scope["method"] != "POST" or not _QUERY.fullmatch(scope["query_string"]):
        return False
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    if len(lengths) != 1 or not lengths[0].isdigit():
        return False
    return int(lengths[0]) <= MOST_BYTES and is_for_us(scope)


async def _whole(receive: Receive) -> bytes | None:
    """A request's body; None if it is not going to be whole."""
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


class _Again:
    """Gives a request's body once more, and then what comes after it."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._first: Message | None = {"type": "http.request", "body": body}
        self._receive = receive

    async def receive(self) -> Message:
        """The next message."""
        message, self._first = self._first, None
        return message if message is not None else await self._receive()


def _taken(forge: str, key: str, headers: Mapping[str, str], body: bytes) -> Reception | None:
    """None: it was not taken, and the ordinary way says why."""
    try:
        if not key:
            return shared_door.receive(forge, headers, body)
        source = body_bound.find(forge, key)
        if source is None:
            raise UnknownConnection
        return intake.receive(source, headers, body)
    except ControlError:
        return None
    except Exception as error:
        log.warning("a webhook is tried once more", forge=forge, reason=type(error).__name__)
        return None
    finally:
        connection.close()  # gives it back to the pool
