"""Health checks over the network."""

import asyncio
import errno

import aiohttp

from seatrial.agent.vocabulary.containers import HealthCheck

ANSWER_SECONDS = 5.0


async def ask(address: str, check: HealthCheck) -> str | None:
    """None if the service answers on its port as `check` requires, else a description of the failure."""
    if check.port is None:
        return "listens on no known port"
    if check.http_path is None:
        return await _tcp(address, check.port)
    return await _http(f"http://{address}:{check.port}{check.http_path}", check)


async def _tcp(address: str, port: int) -> str | None:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            _, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError) as error:
        return f"port {port} does not accept connections ({_short(error)})"
    writer.close()
    return None


async def _http(url: str, check: HealthCheck) -> str | None:
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    asked = f"GET {check.http_path} on port {check.port}"
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return f"{asked} got no answer ({_short(error)})"
    if status == check.status or (check.status == 0 and status < 500):
        return None
    return f"{asked} answered {status}" + (f", not {check.status}" if check.status else "")


def _short(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, OSError) and error.errno == errno.ECONNREFUSED:
        return "connection refused"
    return (str(error) or type(error).__name__)[:120]
