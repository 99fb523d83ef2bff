"""What visitors send through the real Traefik is what an app gets."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from seatrial.embedded.components import ingress
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.supervisor import Supervisor
from tests.bus.servers import free_port
from tests.waiting import until

pytestmark = pytest.mark.traefik
BINARIES = Path(sys.executable).parent
HOST = "pr-1-shop.preview.localhost"

AS_SENT = [
    "/a//b",
    "//a",
    "/a/./b",
    "/a/../b",
    "/a%2Fb",
    "/a%5Cb",
    "/a%3Bb",
    "/a;v=1/b",
    "/a%25b%3F%23",
    "/?q=a+b%20c&q=%C3%A9",
    "/?a=%zz&b=/../y//z",
    "/?",
]
# Other ways to write the same: letters of percent signs, characters that need none, and those that need one.
SAME = {"/%7Euser": "/~user", "/a%2fb": "/a%2Fb", '/a"b': "/a%22b", "/?a=1;b=2": "/?a=1%3Bb=2"}


class App:
    """Remembers the head of the last request."""

    def __init__(self) -> None:
        self.head = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()


async def visit(port: int, target: str, *headers: str) -> str:
    """The answer to one request, written byte by byte as a client might."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"GET {target} HTTP/1.1", f"Host: {HOST}", "Connection: close", *headers, "", ""]
    writer.write("\r\n".join(lines).encode("latin-1"))
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.decode("latin-1")


@pytest.fixture
async def app() -> AsyncIterator[tuple[App, int]]:
    app = App()
    server = await asyncio.start_server(app.answer, "127.0.0.1", 0)
    yield app, server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


async def test_addresses_arrive_as_they_were_sent(
    data: DataDirectory, supervisor: Supervisor, app: tuple[App, int]
) -> None:
    heard, endpoint = app
    port = free_port()
    await supervisor.start(
        ingress.component(data.traefik, ingress_port=port, api_port=free_port(), binaries=BINARIES)
    )
    router = {"rule": f"Host(`{HOST}`)", "entryPoints": ["web"], "service": "app"}
    service = {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{endpoint}"}]}}
    data.routes.write_text(json.dumps({"http": {"routers": {"app": router}, "services": {"app": service}}}))

    async def routed() -> bool:
        return " 200 " in await visit(port, "/")

    try:
        await until(routed, what="Traefik took the route over")
        for target, arrives in {**{target: target for target in AS_SENT}, **SAME}.items():
            assert " 200 " in await visit(port, target), target
            assert heard.head.split("\r\n")[0] == f"GET {arrives} HTTP/1.1"
        await visit(port, "/", "X_Auth_User: root", "X-Some: thing")
        assert "X-Some: thing" in heard.head and "root" not in heard.head
    finally:
        await supervisor.stop()
