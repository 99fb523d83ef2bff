"""A PostgreSQL server as a provider has it: by TCP and with TLS of an authority of its own, in front of the tests' server."""

import asyncio
import contextlib
import ssl
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

from django.db import connection

from tests.bus.cluster import Authority

ASKS_FOR_TLS = struct.pack("!ii", 8, 80877103)


class Relay:
    """Passes connections on. `tls` off: it offers none. `cut` ends all connections, in whatever they are."""

    def __init__(self, directory: Path) -> None:
        authority = Authority()
        authority.issue(directory)
        self.authorities = directory / "ca.crt"
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(directory / "tls.crt", directory / "tls.key")
        self.tls = True
        self.port = 0
        self.encrypted = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()

    @contextlib.contextmanager
    def serving(self) -> Iterator["Relay"]:
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", self.port), self._loop
        ).result(60)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(server.close)
            self.cut()
            asyncio.run_coroutine_threadsafe(self._ended(), self._loop).result(60)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(60)
            self._loop.close()

    def cut(self) -> None:
        """As when the server dies: whoever waits for an answer gets none."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(60)

    async def _cut(self) -> None:
        for writer in self._open:
            _abort(writer)

    async def _ended(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        directory, port = connection.settings_dict["HOST"], connection.settings_dict["PORT"] or 5432
        self._open.add(writer)
        try:
            first = await reader.readexactly(8)
            if first == ASKS_FOR_TLS:
                writer.write(b"S" if self.tls else b"N")
                await writer.drain()
                if self.tls:
                    await writer.start_tls(self.context)
                    self.encrypted += 1
                first = b""
            there, back = await asyncio.open_unix_connection(f"{directory}/.s.PGSQL.{port}")
            self._open.add(back)
            back.write(first)
            await asyncio.gather(_passed(reader, back), _passed(there, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            _abort(writer)
            self._open.discard(writer)


def _abort(writer: asyncio.StreamWriter) -> None:
    # Python before 3.11.3 fails here, of a connection with TLS that was closed twice.
    with contextlib.suppress(AttributeError):
        writer.transport.abort()


async def _passed(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    finally:
        sink.close()
