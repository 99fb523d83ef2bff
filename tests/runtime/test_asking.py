"""What stands behind a check that fails is told apart, with real servers."""

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from seatrial.agent.runtime.asking import ask
from seatrial.agent.vocabulary.containers import Cause, HealthCheck, Unwell

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def says(text: bytes, *, first: bool = False) -> Talk:
    """Answers every connection with `text`; `first`: without being asked."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            if not first:
                await reader.read(1000)
            writer.write(text)
            await writer.drain()
        await closed(writer)

    return talk


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@contextlib.asynccontextmanager
async def listening(talk: Talk, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await asyncio.sleep(0.05)  # its connections end a few turns after it


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    folder: Path = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=x -days 1 -keyout"
    subprocess.run([*command.split(), str(key), "-out", str(certificate)], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


async def asked(port: int, status: int = 0) -> Unwell | None:
    return await ask("127.0.0.1", HealthCheck(http_path="/", port=port, status=status))


async def test_http_is_well_or_answers_otherwise() -> None:
    async with listening(says(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")) as port:
        unwell = await asked(port)
        assert unwell == Unwell(f"GET / on port {port} answered 503", Cause.WRONG_ANSWER)
        assert await asked(port, 503) is None


async def test_mail_is_not_http_and_what_it_says_stays_out_of_the_message() -> None:
    async with listening(says(b"220 mail.example ready\r\n", first=True)) as port:
        unwell = await asked(port)
    assert unwell == Unwell(f"port {port} answers, but does not speak HTTP", Cause.NOT_HTTP)


async def test_tls_is_recognised(tls: ssl.SSLContext) -> None:
    async with listening(says(b"HTTP/1.1 200 OK\r\n\r\n"), tls) as port:
        assert await asked(port) == Unwell(f"port {port} speaks TLS, not plain HTTP", Cause.TLS)


async def test_tls_that_answers_plain_requests_politely_is_recognised(tls: ssl.SSLContext) -> None:
    """As nginx, Apache and Go do: 400, in plain HTTP."""
    async with listening(says(b"HTTP/1.1 200 OK\r\n\r\n"), tls) as behind:

        async def polite(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.read(1000)
            if head.startswith(b"GET"):
                writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            else:
                inner, outer = await asyncio.open_connection("127.0.0.1", behind)
                outer.write(head)
                writer.write(await inner.read(10_000))
                await closed(outer)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
                await reader.read()
            await closed(writer)

        async with listening(polite) as port:
            unwell = await asked(port)
            assert unwell is not None and unwell.cause is Cause.TLS


async def test_a_bad_request_without_tls_is_an_answer() -> None:
    async with listening(says(b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n")) as port:
        assert await asked(port) is None


async def test_what_closes_without_a_word_may_yet_speak() -> None:
    async with listening(says(b"")) as port:
        unwell = await asked(port)
    assert unwell == Unwell(f"GET / on port {port} got no answer (it closed the connection)", Cause.NO_ANSWER)


async def test_nobody_there() -> None:
    async with listening(says(b"")) as port:
        pass
    unwell = await asked(port)
    assert unwell == Unwell(f"GET / on port {port} got no answer (connection refused)", Cause.NOTHING_THERE)
