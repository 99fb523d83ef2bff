"""What strangers send that never ends, to the real server: it holds nobody up, and costs nothing for long."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import pytest

from seatrial.control import body_limit, header_limit
from seatrial.control.answers import error_body
from seatrial.control.body_limit import BodyLimit, Receive, Scope, Send
from seatrial.control.errors import NotFound
from tests.installation.served import Served, serving

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
MIB = 1024 * 1024
HEADERS_WITHOUT_END = {
    "a line": b"GET /" + b"a" * 4096,
    "a header": HEAD + b"X-Long: ",
    "many headers": HEAD,
    "a trailer": HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Long: ",
    "the size of a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;",
}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body as Django does, and says how long it was."""
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", b"%d" % len(str(length)))],
        }
    )
    await send({"type": "http.response.body", "body": str(length).encode()})


async def bound(scope: Scope) -> int:
    if scope["path"] == "/nowhere":
        raise NotFound("There is nothing here.")
    return 10 * MIB


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(BodyLimit(echo, bound)) as server:
        yield server


def answered(client: socket.socket) -> bytes:
    """Everything until the server closes."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65536):
            said += part
    return said


@pytest.mark.parametrize("what", HEADERS_WITHOUT_END)
def test_what_never_ends_is_cut_off_before_it_costs_anything(served: Served, what: str) -> None:
    piece = b"X-A: b\r\n" * 8192 if what == "many headers" else b"a" * 65536
    sent = 0
    with served.connected() as client:
        client.sendall(HEADERS_WITHOUT_END[what])
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(33 * MIB // len(piece)):
                client.sendall(piece)
                sent += len(piece)
        said = answered(client)
    assert sent < 8 * MIB, "what the kernel holds, and not all of it"
    assert said == b"" or said.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))
    assert served.ask(HEAD + b"Content-Length: 2\r\n\r\nhi").endswith(b"\r\n\r\n2"), "others are served"


def test_an_ordinary_header_of_every_kind_is_taken(served: Served) -> None:
    cookie = b"Cookie: " + b"c" * 16_000 + b"\r\n"
    assert served.ask(HEAD + cookie + b"Content-Length: 2\r\n\r\nhi").endswith(b"\r\n\r\n2")
    body = b"x" * (3 * MIB)
    assert served.ask(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body).endswith(b"%d" % len(body))
    chunks = b"".join(b"10000\r\n" + b"x" * 65536 + b"\r\n" for _ in range(40))
    many = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    assert served.ask(many).endswith(b"%d" % (40 * 65536))


def test_one_connection_may_ask_many_times(served: Served) -> None:
    with served.connected() as client:
        for _ in range(40):
            client.sendall(HEAD + b"X-Some: " + b"a" * 8192 + b"\r\nContent-Length: 2\r\n\r\nhi")
            said = b""
            while not said.endswith(b"\r\n\r\n2"):
                said += client.recv(65536)


@pytest.mark.parametrize("begun", [b"", b"GET / HT", HEAD])
def test_a_client_that_never_ends_its_header_is_disconnected(
    served: Served, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(header_limit, "SECONDS", 0.2)
    with served.connected() as client:
        client.sendall(begun)
        assert answered(client).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_waits_for_an_answer_is_not_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header_limit, "SECONDS", 0.1)

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(1)
        await echo(scope, receive, send)

    with serving(slow) as server:
        assert server.ask(HEAD + b"Content-Length: 2\r\n\r\nhi").endswith(b"\r\n\r\n2")


def test_a_body_for_nobody_is_not_waited_for(served: Served) -> None:
    with served.connected() as client:
        client.sendall(b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\nx")
        said = answered(client)
    assert said.startswith(b"HTTP/1.1 404 ") and b"There is nothing here." in said


def test_a_body_that_never_comes_is_not_waited_for_either(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_limit, "SECONDS", 0.2)
    with served.connected() as client:
        client.sendall(HEAD + b"Content-Length: 1000\r\n\r\nx")
        said = answered(client)
    assert said.startswith(b"HTTP/1.1 408 ") and b'"too_slow"' in said


@pytest.mark.parametrize("announced", [True, False])
def test_the_refusal_of_a_large_body_names_the_limit(served: Served, announced: bool) -> None:
    headers = b"Content-Length: 99999999\r\n\r\n" if announced else b"Transfer-Encoding: chunked\r\n\r\n"
    with served.connected() as client:
        client.sendall(HEAD + headers)
        if not announced:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for _ in range(11):
                    client.sendall(b"100000\r\n" + b"x" * MIB + b"\r\n")
        said = answered(client)
    assert said.startswith(b"HTTP/1.1 413 ")
    assert f"{10 * MIB:,} bytes".encode() in said
    assert set(error_body("", "")) == {"error"} and b'"error"' in said
