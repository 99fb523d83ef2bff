"""Any application behind the real server as the web process runs it, spoken to in bytes."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import uvicorn

from seatrial.control.header_limit import HeaderLimit
from tests.waiting import LIMIT_SECONDS, eventually


@dataclass(frozen=True)
class Served:
    """Where it listens."""

    address: tuple[str, int]

    def connected(self) -> closing[socket.socket]:
        """A connection, closed when left."""
        return closing(socket.create_connection(self.address, LIMIT_SECONDS))

    def ask(self, request: bytes) -> bytes:
        """The answer to one whole request."""
        with self.connected() as client:
            client.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            said = b""
            while part := client.recv(65536):
                said += part
            return said


@contextlib.contextmanager
def serving(application: Callable[..., Any]) -> Iterator[Served]:
    """A server in a thread, while inside."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        application, http=HeaderLimit, ws="none", lifespan="off", log_config=None, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    eventually(lambda: server.started, what="the server listens")
    try:
        yield Served(listener.getsockname())
    finally:
        server.should_exit = True
        thread.join(LIMIT_SECONDS)
        assert not thread.is_alive()
