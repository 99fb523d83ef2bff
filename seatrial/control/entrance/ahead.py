"""Answers the ingress ahead of Django's handler, whose way through a request costs several times what the decision does.

Only those who get into a preview that runs are answered here. Whatever else was decided goes the ordinary way with the request, which has the pages.
"""

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import structlog
from django.db import connection

from seatrial.control.body_limit import Application, Receive, Scope, Send
from seatrial.control.entrance.deciding import GetsIn
from seatrial.control.entrance.gatekeeper import DECIDED, Decision, decision, passed_on, remembered
from seatrial.control.middleware_headers import MiddlewareHeaders
from seatrial.control.previews.route_document import GATE
from seatrial.control.scopes import headers_of, is_for_us

log = structlog.get_logger(__name__)

PATH = f"/{GATE}"
THREADS = 4  # each uses one of the database's connections


class Ahead:
    """An application in front of `ordinary`, which answers whatever is not the ingress's question, and everybody who stays out.

    A decision is made in one of THREADS. Where all are busy, as with code hosts that do not answer, it is made on the ordinary way, so
    that slow decisions about some previews hold up nobody else. If it raises, it is made again there, which says what failed.
    """

    def __init__(self, ordinary: Application) -> None:
        self._ordinary = ordinary
        self._headers = MiddlewareHeaders()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="gate")
        self._free = threading.BoundedSemaphore(THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != PATH or not is_for_us(scope):
            await self._ordinary(scope, receive, send)
            return
        if not self._free.acquire(blocking=False):
            await self._ordinary(scope, receive, send)
            return
        deciding = self._threads.submit(_decided, headers_of(scope))
        deciding.add_done_callback(lambda _: self._free.release())  # also when the client goes away
        decided = await asyncio.wrap_future(deciding)
        if decided is None or decided.sleeps or not isinstance(decided.answer, GetsIn):
            await self._ordinary({**scope, DECIDED: decided}, receive, send)
            return
        own = [
            (name.lower().encode(), value.encode("latin-1"))
            for name, value in (passed_on(decided.answer) | remembered(decided)).items()
        ]
        headers = [(b"content-length", b"0"), *own, *self._headers.of(scope)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _decided(headers: Mapping[str, str]) -> Decision | None:
    try:
        return decision(headers)
    except Exception as error:
        log.warning("who gets in is decided once more", reason=type(error).__name__)
        return None
    finally:
        connection.close()  # gives it back to the pool
