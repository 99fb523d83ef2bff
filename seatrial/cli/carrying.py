"""The streams of `seatrial exec`: what a command in a preview is given and says. Imported only when it runs, because it is slow to import."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator

from seatrial.cli.api import Api, Json
from seatrial.cli.terminal import Passed, unprocessed
from seatrial.cli.tunnels import Tunnel, end_of, problem_of, tunnel
from seatrial.wire.tunnels import PIECE, Carries, Kind, Outcome, TunnelEnd, size_of


def carry(api: Api, environment: str, wish: Json) -> int | None:
    """Run the command of `wish` with this process's streams; its exit code, None if nobody knows. Raises CommandError, KeyboardInterrupt."""
    wish = {"carries": Carries.COMMAND, **wish}
    end = asyncio.run(_run(api, environment, wish, interactive=wish["fed"], tty=wish["terminal"]))
    if end.outcome != Outcome.ENDED:
        raise problem_of(end)
    return end.exit_code


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
