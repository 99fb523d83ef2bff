"""Limits request bodies before Django reads them. Django reads the whole body before it looks at anything else."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from seatrial.control.answers import error_body
from seatrial.control.errors import ControlError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[..., Awaitable[None]]
# How many bytes a request may have; raises ControlError for one that is refused whatever its body says.
Bound = Callable[[Scope], Awaitable[int]]

SECONDS = 120.0  # for a whole body: a forge's largest webhook over a slow line
# Django takes this for a client that went away, and drops the request.
DISCONNECT: Message = {"type": "http.disconnect"}


class BodyLimit:
    """Refuses a request without reading its body where that is known before; cuts off a body that is too large or too slow.

    Refused are: what `bound` refuses, with its error; what announces or sends more than `bound` says, with 413; and a body
    that is not there whole after SECONDS, with 408. The connection ends with the answer.
    """

    def __init__(self, application: Application, bound: Bound) -> None:
        self.application = application
        self.bound = bound

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count while Django reads."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        try:
            limit = await self.bound(scope)
        except ControlError as error:
            await _refuse(send, error.status, error.code, str(error))
            return
        if _announced(scope) > limit:
            await _refuse(send, *_too_large(limit))
            return
        body = _Body(receive, limit)
        await self.application(scope, body.receive, send)
        if body.refusal is not None:
            await _refuse(send, *body.refusal)


class _Body:
    """Reads one request's body. `refusal` says why it was cut off: the answer's status, code and message."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._received = 0
        self._whole = False
        self._deadline = asyncio.get_running_loop().time() + SECONDS
        self.refusal: tuple[int, str, str] | None = None

    async def receive(self) -> Message:
        """The next message. After the whole body, the only one is that the client went away: it has no time limit."""
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            self.refusal = 408, "too_slow", f"The request body did not arrive within {SECONDS:g} seconds."
            return DISCONNECT
        self._received += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._received > self._limit:
            self.refusal = _too_large(self._limit)
            return DISCONNECT
        return message


def _too_large(limit: int) -> tuple[int, str, str]:
    return 413, "too_large", f"The request body is larger than {limit:,} bytes."


async def _refuse(send: Send, status: int, code: str, message: str) -> None:
    body = json.dumps(error_body(code, message)).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
