"""`seatrial exec`: a command in a service of a preview."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Annotated

import typer

from seatrial.cli.api import Api, Json, connect
from seatrial.cli.errors import CommandError, Interrupted
from seatrial.cli.finding import environment_meant
from seatrial.cli.terminal import Passed, on_a_terminal, unprocessed
from seatrial.cli.tunnels import Tunnel, end_of, problem_of, tunnel
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed
from seatrial.wire.tunnels import PIECE, Carries, Kind, Outcome, TunnelEnd, size_of

Words = Annotated[
    list[str],
    typer.Argument(
        metavar="[PREVIEW] -- COMMAND...",
        help="The preview's name, if there are several; then, after --, the command.",
    ),
]
Service = Annotated[
    str,
    typer.Option("--service", "-s", metavar="SERVICE", help="Default: the first that has an address."),
]
Input = Annotated[bool, typer.Option("--interactive", "-i", help="Pass standard input on.")]
Terminal = Annotated[bool, typer.Option("--tty", "-t", help="Give it a terminal: for a shell, with -i.")]

NO_CODE = 1  # of a command whose exit code nobody knows


def execute(words: Words, service: Service = "", interactive: Input = False, tty: Terminal = False) -> None:
    """Run a command in a service of a preview. Its exit code is the command's. It takes the role developer."""
    preview, command = parted(words, sys.argv)
    if tty and not on_a_terminal():
        raise CommandError(
            "-t: standard input and output are no terminal.",
            fix="Leave -t out to pass bytes on",
            word="usage",
        )
    api = connect(DataDirectory.from_environment(os.environ))
    found = environment_meant(api, preview)
    size = shutil.get_terminal_size() if tty else os.terminal_size((0, 0))
    wish = {
        "carries": Carries.COMMAND,
        "service": service_meant(found, service),
        "command": command,
        "terminal": tty,
        "fed": interactive,
        "rows": size.lines,
        "columns": size.columns,
    }
    try:
        end = asyncio.run(_run(api, found["id"], wish, interactive=interactive, tty=tty))
    except KeyboardInterrupt:
        raise Interrupted("the command in the preview is ended.") from None
    if end.outcome != Outcome.ENDED:
        raise problem_of(end)
    raise typer.Exit(NO_CODE if end.exit_code is None else end.exit_code)


def parted(words: list[str], typed_words: list[str]) -> tuple[str, list[str]]:
    """The preview, empty if none was named, and the command: what comes after `--`. Raises CommandError."""
    after = typed_words[typed_words.index("--") + 1 :] if "--" in typed_words else []
    before = words[: len(words) - len(after)] if after else words
    if not after or len(before) > 1:
        raise CommandError(
            "say the command after --, and before it at most the name of one preview.",
            fix=f"For example: {typed('exec', '-it', 'pr-1-shop')} -- sh",
            word="usage",
        )
    return (before or [""])[0], after


def service_meant(environment: Json, service: str) -> str:
    """The service that was named, or the first that has an address. Raises CommandError."""
    chosen = service or next(iter(environment["urls"]), "")
    if not chosen:
        raise CommandError(
            f"{environment['name']} has no address: nothing of it has been live yet.",
            fix=f"See what became of it: {typed('logs', environment['name'])}",
            word="not_live",
        )
    return chosen


async def _run(api: Api, environment: str, wish: Json, *, interactive: bool, tty: bool) -> TunnelEnd:
    async with tunnel(api, environment, wish) as opened:
        with unprocessed() if tty else contextlib.nullcontext(), _resizing(opened, tty=tty):
            return await _carried(opened, interactive=interactive, tty=tty)


async def _carried(opened: Tunnel, *, interactive: bool, tty: bool) -> TunnelEnd:
    output, errors = Passed.output(raw=tty), Passed.errors(raw=tty)
    feeding: asyncio.Task[None] | None = None
    try:
        async for kind, content in opened.frames():
            if kind is Kind.OPENED:
                feeding = asyncio.create_task(_feed(opened) if interactive else opened.send(Kind.INPUT_ENDS))
            elif kind is Kind.OUTPUT:
                await asyncio.to_thread(output.write, content)
            elif kind is Kind.ERRORS:
                await asyncio.to_thread(errors.write, content)
            elif kind is Kind.END:
                return end_of(content)
    finally:
        if feeding is not None:
            feeding.cancel()
    raise AssertionError  # the last frame is END


async def _feed(opened: Tunnel) -> None:
    """Pass standard input on. Who reads it is a thread, which nobody waits for: it may wait for ever."""
    loop, pieces = asyncio.get_running_loop(), asyncio.Queue[bytes](1)

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            while True:
                try:
                    piece = os.read(sys.stdin.fileno(), PIECE)
                except OSError:
                    piece = b""
                asyncio.run_coroutine_threadsafe(pieces.put(piece), loop).result()
                if not piece:
                    return

    threading.Thread(target=read, daemon=True, name="standard input").start()
    while piece := await pieces.get():
        await opened.send(Kind.INPUT, piece)
    await opened.send(Kind.INPUT_ENDS)


@contextlib.contextmanager
def _resizing(opened: Tunnel, *, tty: bool) -> Iterator[None]:
    """Tell the command's terminal of every new size of this one."""
    if not tty:
        yield
        return
    loop = asyncio.get_running_loop()
    telling: set[asyncio.Task[None]] = set()

    def tell() -> None:
        size = shutil.get_terminal_size()
        task = loop.create_task(opened.send(Kind.RESIZE, size_of(size.lines, size.columns)))
        telling.add(task)
        task.add_done_callback(telling.discard)

    loop.add_signal_handler(signal.SIGWINCH, tell)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)
