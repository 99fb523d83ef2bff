"""A bound on request bodies, before Django spools them to disk."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[..., Awaitable[None]]


class BodyLimit:
    """Answers 413 when Content-Length is more than `limit` bytes, and cuts off a body that turns out to be longer."""

    def __init__(self, application: Application, limit: int) -> None:
        self.application = application
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count while Django reads."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        if _announced(scope) > self.limit:
            await self._refuse(send)
            return
        received = 0

        async def counted() -> MutableMapping[str, Any]:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            # Django takes "disconnect" for a client that went away, and drops the request.
            return message if received <= self.limit else {"type": "http.disconnect"}

        await self.application(scope, counted, send)
        if received > self.limit:
            await self._refuse(send)

    async def _refuse(self, send: Send) -> None:
        message = f"The request body is larger than {self.limit:,} bytes."
        body = json.dumps({"error": {"code": "too_large", "message": message}}).encode()
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
