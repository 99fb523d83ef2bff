"""One request, within limits that hold whatever answers."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from seatrial.control import outbound
from seatrial.control.configuration import Configuration
from seatrial.control.errors import ControlError

STEP_SECONDS = 10.0  # for each step: looking the name up, connecting, the handshake, a piece of the answer
WHOLE_SECONDS = 10.0  # until the whole answer is here, however slowly it comes
MOST_BYTES = 64 * 1024
FAILURES = (httpx.HTTPError, httpx.InvalidURL, ControlError, TimeoutError)  # what `asked` may raise


@dataclass(frozen=True)
class Answer:
    """What came back; of the body, its beginning."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """As the server says, `?` if it does not."""
        return self.headers.get("Content-Type", "?")


def asked(configuration: Configuration, url: str) -> Answer:
    """The answer to GET `url`; a redirect is one, too. Raises FAILURES."""
    return asyncio.run(_asked(configuration, url))


async def _asked(configuration: Configuration, url: str) -> Answer:
    began = time.monotonic()
    async with (
        # For headers that trickle. A handshake ends by the client's own limit, which closes its socket.
        asyncio.timeout(2 * STEP_SECONDS + WHOLE_SECONDS),
        outbound.async_client(configuration, to=[url], timeout=STEP_SECONDS) as client,
        client.stream("GET", url) as answer,
    ):
        body = b""
        async for piece in answer.aiter_bytes():
            body += piece
            if len(body) > MOST_BYTES:
                break
            if time.monotonic() - began > WHOLE_SECONDS:
                raise TimeoutError
    return Answer(answer.status_code, answer.headers, body[:MOST_BYTES])


def said(error: Exception) -> str:
    """What went wrong, in the words of whoever noticed first: a client only says that all attempts failed."""
    if isinstance(error, TimeoutError):
        return f"no whole answer within {WHOLE_SECONDS:g} s"
    first = None if isinstance(error, ControlError) else _first(error)
    return str(first or error) or type(error).__name__


def _first(error: Exception) -> OSError | None:
    """What the system said, if it did."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno is not None and not isinstance(cause, ssl.SSLError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None
