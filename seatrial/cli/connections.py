"""The connections of `seatrial port-forward`. Imported only when it runs, because it is slow to import."""

import asyncio
import contextlib

from seatrial.cli.api import Api, Json
from seatrial.cli.errors import CommandError
from seatrial.cli.terminal import Terminal, bold, warning
from seatrial.cli.tunnels import Tunnel, end_of, problem_of, tunnel
from seatrial.wire.tunnels import PIECE, Carries, Kind, Outcome

LOOPBACK = "127.0.0.1"


def forward(api: Api, found: Json, wish: Json, local: int) -> None:
    """Forward `local` to the port of `wish`, until somebody interrupts. Raises CommandError, KeyboardInterrupt."""
    asyncio.run(_serve(api, found, {"carries": Carries.CONNECTION, **wish}, local))


async def _serve(api: Api, found: Json, wish: Json, local: int) -> None:
    await _try(api, found["id"], wish)
    terminal = Terminal(errors=True)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _forward(api, found["id"], wish, reader, writer)
        except CommandError as error:
            terminal.line(warning(f"a connection was closed: {error}"))
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    try:
        server = await asyncio.start_server(connected, LOOPBACK, local, limit=PIECE)
    except OSError as error:
        raise CommandError(
            f"port {local} of this machine cannot be listened on: {error.strerror}.",
            fix=f"Choose another: {local + 10_000 if local < 55_000 else 15_432}:{wish['port']}",
            word="port_taken",
        ) from error
    async with server:
        port = server.sockets[0].getsockname()[1]
        there = f"{wish['service']}:{wish['port']}"
        Terminal().line(
            "Forwarding ", bold(f"{LOOPBACK}:{port}"), f" to {there} of {found['name']}. Ctrl-C ends it."
        )
        await server.serve_forever()


async def _try(api: Api, environment: str, wish: Json) -> None:
    """Connect once, so that what is wrong is said before somebody waits for it. Raises CommandError."""
    async with tunnel(api, environment, wish) as opened:
        async for kind, content in opened.frames():
            if kind is Kind.OPENED:
                return
            if kind is Kind.END:
                raise problem_of(end_of(content))


async def _forward(
    api: Api, environment: str, wish: Json, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Carry one connection until both sides have said everything. Raises CommandError."""
    async with tunnel(api, environment, wish) as opened:
        feeding = asyncio.create_task(_feed(opened, reader))
        try:
            await _hear(opened, writer)
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)


async def _feed(opened: Tunnel, reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE):
            await opened.send(Kind.INPUT, piece)
    await opened.send(Kind.INPUT_ENDS)


async def _hear(opened: Tunnel, writer: asyncio.StreamWriter) -> None:
    async for kind, content in opened.frames():
        if kind is Kind.END:
            end = end_of(content)
            if end.outcome not in {Outcome.ENDED, Outcome.CLOSED}:
                raise problem_of(end)
            return
        try:
            if kind is Kind.OUTPUT:
                writer.write(content)
                await writer.drain()
            elif kind is Kind.OUTPUT_ENDS:
                writer.write_eof()
        except OSError:
            return  # whoever connected here is gone
