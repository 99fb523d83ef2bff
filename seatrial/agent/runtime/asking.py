"""Health checks over the network."""

import asyncio
import errno
import ssl

import aiohttp

from seatrial.agent.vocabulary.containers import Cause, HealthCheck, Unwell
from seatrial.agent.vocabulary.logs import last_lines

ANSWER_SECONDS = 5.0
BAD_REQUEST = 400  # also what many servers say to HTTP on a port for TLS


async def ask(address: str, check: HealthCheck) -> Unwell | None:
    """None if it answers on its port as `check` requires, else a description of the failure."""
    if check.port is None:
        return Unwell("listens on no known port", Cause.NO_PORT)
    if check.http_path is None:
        return await _tcp(address, check.port)
    return await _http(address, check.port, check)


def judged_by(code: int, output: str) -> Unwell | None:
    """None if a health command that ended with `code` found the service well, else what it said."""
    if code == 0:
        return None
    said = last_lines(output)
    seen = f"the health command ended with {code}" + (f": {said}" if said else "")
    return Unwell(seen, Cause.OWN_COMMAND, said)


async def _tcp(address: str, port: int) -> Unwell | None:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            _, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError) as error:
        seen = f"port {port} does not accept connections ({_short(error)})"
        return Unwell(seen, Cause.NOTHING_THERE)
    writer.close()
    return None


async def _http(address: str, port: int, check: HealthCheck) -> Unwell | None:
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    asked = f"GET {check.http_path} on port {port}"
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(f"http://{address}:{port}{check.http_path}", allow_redirects=False) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return await _unanswered(address, port, asked, error)
    if status == BAD_REQUEST and await _speaks_tls(address, port):
        return _tls(port)
    if status == check.status or (check.status == 0 and status < 500):
        return None
    seen = f"{asked} answered {status}" + (f", not {check.status}" if check.status else "")
    return Unwell(seen, Cause.WRONG_ANSWER)


async def _unanswered(address: str, port: int, asked: str, error: BaseException) -> Unwell:
    if isinstance(error, aiohttp.ClientConnectorError):
        return Unwell(f"{asked} got no answer ({_short(error)})", Cause.NOTHING_THERE)
    if not isinstance(error, TimeoutError) and await _speaks_tls(address, port):
        return _tls(port)
    if isinstance(
        error, aiohttp.ClientResponseError
    ):  # its text is the answer's first bytes, whatever they are
        return Unwell(f"port {port} answers, but does not speak HTTP", Cause.NOT_HTTP)
    return Unwell(f"{asked} got no answer ({_short(error)})", Cause.NO_ANSWER)


def _tls(port: int) -> Unwell:
    return Unwell(f"port {port} speaks TLS, not plain HTTP", Cause.TLS)


async def _speaks_tls(address: str, port: int) -> bool:
    """Whether it answers a client of TLS, be it with an alert. Nobody's certificate is checked, and nothing is sent."""
    context = ssl.SSLContext(
        ssl.PROTOCOL_TLS_CLIENT
    )  # without the system's authorities, which take long to read
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            _, writer = await asyncio.open_connection(address, port, ssl=context)
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()  # a farewell may never be answered
    return True


def _short(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, OSError) and error.errno == errno.ECONNREFUSED:
        return "connection refused"
    if isinstance(error, OSError) and error.errno == errno.ECONNRESET:
        return "it closed the connection"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it closed the connection"
    return (
        f"{type(error).__name__}: {str(error).splitlines()[0][:200]}" if str(error) else type(error).__name__
    )
