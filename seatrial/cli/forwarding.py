"""`seatrial port-forward`: a port of a preview's service as one of this machine."""

import asyncio
import contextlib
import os
import re
from typing import Annotated

import typer

from seatrial.cli.api import Api, Json, connect
from seatrial.cli.errors import CommandError, Interrupted
from seatrial.cli.executing import service_meant
from seatrial.cli.finding import environment_meant
from seatrial.cli.terminal import Terminal, bold, warning
from seatrial.cli.tunnels import Tunnel, end_of, problem_of, tunnel
from seatrial.embedded.layout import DataDirectory
from seatrial.wire.tunnels import PIECE, Carries, Kind, Outcome

Words = Annotated[
    list[str],
    typer.Argument(
        metavar="[PREVIEW] [LOCAL:]PORT",
        help="The preview's name, if there are several; then the port, and before it another one of this machine.",
    ),
]
Service = Annotated[
    str,
    typer.Option("--service", "-s", metavar="SERVICE", help="Default: the first that has an address."),
]

LOOPBACK = "127.0.0.1"
_PORTS = re.compile(r"(?:(\d{1,5}):)?(\d{1,5})")


def port_forward(words: Words, service: Service = "") -> None:
    """Forward a port of this machine to one of a preview's service, also of a database. It takes the role developer."""
    if len(words) > 2:
        raise CommandError(
            "name at most one preview and one port.", fix="Such as pr-1-shop 5432", word="usage"
        )
    local, port = ports_of(words[-1])
    api = connect(DataDirectory.from_environment(os.environ))
    found = environment_meant(api, words[0] if len(words) == 2 else "")
    wish = {"carries": Carries.CONNECTION, "service": service_meant(found, service), "port": port}
    try:
        asyncio.run(_serve(api, found, wish, local))
    except KeyboardInterrupt:
        raise Interrupted("nothing is forwarded any more.") from None


def ports_of(text: str) -> tuple[int, int]:
    """The port here and the one there. Raises CommandError."""
    said = _PORTS.fullmatch(text)
    local, port = (int(said[1] or said[2]), int(said[2])) if said else (0, 0)
    if not (0 < port < 65_536 and local < 65_536):
        raise CommandError(f"{text}: no port.", fix="Say it as 5432, or as 15432:5432", word="usage")
    return local, port


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
