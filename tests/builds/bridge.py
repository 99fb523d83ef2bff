"""The engine's own BuildKit as if it were a daemon of its own: its protocol, behind a socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

ASK = b"POST /grpc HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def bridged(engine: Path, listening: Path) -> AsyncIterator[None]:
    """Listen at `listening`; who connects speaks with the BuildKit of the engine at `engine`."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_unix_connection(str(engine))
        ours.write(ASK)
        head = await theirs.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        for pair in ((reader, ours), (theirs, writer)):
            task = asyncio.create_task(_copied(*pair))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    server = await asyncio.start_unix_server(serve, str(listening))
    try:
        yield
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
