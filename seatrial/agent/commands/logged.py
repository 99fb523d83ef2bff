"""Commands whose output is logged line by line, and which end with everything they started."""

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import psutil

from seatrial.agent.vocabulary.logs import Log

LONGEST_LINE = 4_000
MOST_BYTES = 20_000_000  # of one command's output that reach the log
TAIL_LINES = 40
ENDING_LOOKS = 3_000  # a hundred a second; what has not ended by then hangs in its kernel


@dataclass
class Ended:
    """How a command ended, and its last lines."""

    code: int
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))


async def run(
    command: Sequence[str], log: Log, *, environment: Mapping[str, str], timeout_seconds: float
) -> Ended:
    """Run `command` to its end, giving each line to `log`.

    Raises TimeoutError. Whatever ends this call (the command, the time, a cancellation), no process of the
    command's tree is left.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=dict(environment),
        start_new_session=True,
    )
    ended = Ended(-1)
    try:
        async with asyncio.timeout(timeout_seconds):
            assert process.stdout is not None
            await forward(process.stdout, log, ended)
            ended.code = await process.wait()
    finally:
        await end_tree(process)
    return ended


async def forward(stream: asyncio.StreamReader, log: Log, ended: Ended) -> None:
    """Lines of `stream`, overlong ones cut, until it ends; past MOST_BYTES only the tail is kept."""
    rest, total = b"", 0
    while chunk := await stream.read(65_536):
        total += len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        for line in lines:
            await emit(line, log, ended, quiet=total > MOST_BYTES)
    if rest:
        await emit(rest, log, ended, quiet=False)
    if total > MOST_BYTES:
        await log(f"... {total - MOST_BYTES:,} bytes of output left out")


async def emit(raw: bytes, log: Log, ended: Ended, *, quiet: bool) -> None:
    """One line to the tail and, unless `quiet`, to the log."""
    text = raw.decode(errors="replace").rstrip("\r").rsplit("\r", 1)[-1]
    if len(text) > LONGEST_LINE:
        text = text[:LONGEST_LINE] + " ... (line cut)"
    ended.tail.append(text)
    if not quiet:
        await log(text)


async def end_tree(process: asyncio.subprocess.Process) -> None:
    """Kill the session of `process` and every descendant, also those that left the session, and wait for their end."""
    found: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        found = psutil.Process(process.pid).children(recursive=True)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for descendant in found:
        with contextlib.suppress(psutil.Error):
            descendant.kill()
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
    await gone(found)


async def gone(killed: Sequence[psutil.Process]) -> None:
    """Wait until they have ended: a killed process writes on until it is its turn, on a busy host a while later."""
    for _ in range(ENDING_LOOKS):
        if not any(map(runs, killed)):
            return
        await asyncio.sleep(0.01)


def runs(process: psutil.Process) -> bool:
    """Whether it has not ended; one that nobody has waited for has."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
