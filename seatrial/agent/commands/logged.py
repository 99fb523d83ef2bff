"""Commands whose output is logged line by line while they run."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from seatrial.agent.commands.children import Errors, started
from seatrial.agent.vocabulary.logs import Log
from seatrial.wire.counted import counted

LONGEST_LINE = 4_000
MOST_BYTES = 20_000_000  # of one command's output that reach the log
TAIL_LINES = 40


@dataclass
class Ended:
    """How a command ended, and its last lines."""

    code: int
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))


async def run(
    command: Sequence[str], log: Log, *, environment: Mapping[str, str], timeout_seconds: float
) -> Ended:
    """Run `command` to its end, giving each line to `log`.

    Raises TimeoutError. However this call ends (normally, by timeout or by cancellation), no process of the
    command's tree is left.
    """
    ended = Ended(-1)
    child = started(command, environment=environment, errors=Errors.WITH_OUTPUT)
    async with child as process, asyncio.timeout(timeout_seconds):
        assert process.stdout is not None
        await forward(process.stdout, log, ended)
        ended.code = await process.wait()
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
        await log(f"... {counted(total - MOST_BYTES, 'byte')} of output left out")


async def emit(raw: bytes, log: Log, ended: Ended, *, quiet: bool) -> None:
    """One line to the tail and, unless `quiet`, to the log."""
    text = raw.decode(errors="replace").rstrip("\r").rsplit("\r", 1)[-1]
    if len(text) > LONGEST_LINE:
        text = text[:LONGEST_LINE] + " ... (line cut)"
    ended.tail.append(text)
    if not quiet:
        await log(text)
