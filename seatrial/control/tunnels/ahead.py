"""Takes WebSockets ahead of Django's handler, which knows none."""

import asyncio
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.db import connection

from seatrial.control.answers import error_body
from seatrial.control.body_limit import Application, Receive, Scope, Send
from seatrial.control.bus import Bus
from seatrial.control.errors import ControlError, NotFound, unexpected
from seatrial.control.scopes import headers_of, is_for_us
from seatrial.control.tunnels.errors import InvalidWish
from seatrial.control.tunnels.granting import Grant, Records, admitted, granted, still_granted, wish_of
from seatrial.control.tunnels.relaying import relay
from seatrial.wire.tunnels import Kind, Outcome, TunnelEnd

log = structlog.get_logger(__name__)
T = TypeVar("T")

THREADS = 4  # each uses one of the database's connections
FIRST_SECONDS = 20.0  # for the first message
BUS_SECONDS = 10.0
_PATH = re.compile(r"/api/v1/environments/(\w{1,64})/tunnel")


class Tunnels:
    """An application in front of `ordinary`, which answers whatever is no WebSocket.

    Who may not open one gets HTTP's status and the REST interface's error in place of a WebSocket. What is wrong with a wish, and
    how a tunnel ended, is said in it: in END. Only bearer tokens count, never cookies, so no page of somebody else opens one.
    """

    def __init__(self, ordinary: Application) -> None:
        self._ordinary = ordinary
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="tunnels")
        self._records = Records()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket."""
        if scope["type"] != "websocket":
            await self._ordinary(scope, receive, send)
            return
        await receive()  # that it connects
        try:
            key, token, address = _asked(scope)
            await self._in_thread(partial(admitted, token, key, address))
        except ControlError as error:
            await _refuse(send, error)
            return
        except Exception as error:
            await _refuse(send, unexpected(error, scope["path"]))
            return
        await send({"type": "websocket.accept"})
        await self._tunnel(key, token, address, receive, send)
        await send({"type": "websocket.close"})

    async def _tunnel(self, key: str, token: str, address: str | None, receive: Receive, send: Send) -> None:
        try:
            wish = wish_of(await _first(receive))
            grant = await self._in_thread(partial(granted, token, key, wish, address))
            await self._in_thread(partial(self._records.opened, grant))
        except ControlError as error:
            await _end(send, TunnelEnd(outcome=Outcome.REFUSED, text=str(error)))
            return
        began = time.monotonic()
        end = TunnelEnd(outcome=Outcome.LOST)
        try:
            end = await self._over_the_bus(grant, receive, send)
        finally:
            self._threads.submit(
                _with_database, partial(self._records.ended, grant, end, time.monotonic() - began)
            )

    async def _over_the_bus(self, grant: Grant, receive: Receive, send: Send) -> TunnelEnd:
        try:
            async with asyncio.timeout(BUS_SECONDS):
                bus = await Bus.connect(settings.CONFIGURATION, name="seatrial tunnel")
        except (OSError, TimeoutError) as error:
            log.warning("no tunnel: the bus does not answer", error=str(error))
            end = TunnelEnd(outcome=Outcome.LOST, text="the bus does not answer")
            await _end(send, end)
            return end
        try:
            return await relay(
                bus,
                grant,
                receive,
                send,
                lambda carried: self._in_thread(partial(still_granted, grant, carried)),
            )
        finally:
            await bus.close()

    async def _in_thread(self, work: "partial[T]") -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _with_database, work)


def _asked(scope: Scope) -> tuple[str, str, str | None]:
    """Into which preview, with which token, from where. Raises NotFound."""
    found = _PATH.fullmatch(scope["path"])
    if found is None or not is_for_us(scope):
        raise NotFound("There is no WebSocket at this address.")
    kind, _, token = headers_of(scope).get("authorization", "").partition(" ")
    client: Any = scope.get("client")
    return found[1], token.strip() if kind.lower() == "bearer" else "", client[0] if client else None


async def _first(receive: Receive) -> str:
    try:
        async with asyncio.timeout(FIRST_SECONDS):
            message = await receive()
    except TimeoutError:
        raise InvalidWish(
            f"No message said within {FIRST_SECONDS:g} seconds what the tunnel carries."
        ) from None
    return str(message.get("text") or "")


async def _refuse(send: Send, error: ControlError) -> None:
    body = json.dumps(error_body(error.code, str(error))).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "websocket.http.response.start", "status": error.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


async def _end(send: Send, end: TunnelEnd) -> None:
    await send({"type": "websocket.send", "bytes": bytes([Kind.END]) + end.model_dump_json().encode()})


def _with_database(work: "partial[T]") -> T:
    try:
        return work()
    finally:
        connection.close()  # gives it back to the pool
