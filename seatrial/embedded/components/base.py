"""The description of a component, and the readiness checks that several components share."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from seatrial.embedded.processes import ChildProgram

Ready = Callable[[], Awaitable[str | None]]

# For plain HTTP on this machine. httpx reads all authorities of the system for each client, which takes longer than the
# request, and is asked for twenty times a second while a platform starts; a certificate would be refused with these.
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True)
class Component:
    """One supervised process.

    `ready` answers None once the component works, else one sentence that says what is still missing. It is
    called repeatedly, so it must be cheap, and it must not raise for problems that may pass.
    """

    program: ChildProgram
    ready: Ready
    what: str  # for people: the kind of program
    patience_seconds: float = 300.0  # one that dies again and again is given up sooner

    @property
    def name(self) -> str:
        """The component's name in logs, records and messages."""
        return self.program.name


async def answers_http(url: str) -> str | None:
    """None if `url` answers with success, else what is missing."""
    try:
        async with httpx.AsyncClient(timeout=2, trust_env=False, verify=NO_AUTHORITIES) as client:
            answer = await client.get(url)
    except httpx.HTTPError as error:
        return f"{url} does not answer ({type(error).__name__})"
    return None if answer.is_success else f"{url} answers {answer.status_code}"


async def greets(port: int, greeting: bytes) -> str | None:
    """None if the loopback port greets a new connection with `greeting`, else what is missing."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError as error:
        return f"port {port} does not answer ({error.strerror or error})"
    try:
        async with asyncio.timeout(2):
            first = await reader.read(len(greeting))
    except TimeoutError:
        return f"port {port} is silent"
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return None if first == greeting else f"port {port} belongs to another program"


async def at_once() -> str | None:
    """The readiness check of a component that is ready as soon as it runs."""
    return None
