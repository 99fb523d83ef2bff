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

SECONDS = 10.0  # for each step, and for the whole body, however slowly it comes
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
        asyncio.timeout(
            2 * SECONDS
        ),  # for headers that trickle; a handshake ends by the client's own limit, which closes its socket
        outbound.async_client(configuration, to=[url], timeout=SECONDS) as client,
        client.stream("GET", url) as answer,
    ):
        body = b""
        async for piece in answer.aiter_bytes():
            body += piece
            if len(body) > MOST_BYTES:
                break
            if time.monotonic() - began > SECONDS:
                raise TimeoutError
    return Answer(answer.status_code, answer.headers, body[:MOST_BYTES])


def said(error: Exception) -> str:
    """What went wrong, in the words of whoever noticed first: a client only says that all attempts failed."""
    if isinstance(error, TimeoutError):
        return f"no whole answer within {SECONDS:g} s"
    first: BaseException = error
    while (cause := first.__cause__) is not None:
        first = cause
    if isinstance(first, OSError) and first.errno is not None and not isinstance(first, ssl.SSLError):
        return str(first)
    return str(error) or type(error).__name__
