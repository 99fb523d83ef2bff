"""Commands that are run to their end to get their output."""

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial.agent.commands.children import Errors, started


class TooMuchOutput(Exception):
    """A command printed more than the limit; it has been ended."""


@dataclass(frozen=True)
class Finished:
    """How a command ended, and what it printed. `errors` is empty if stderr was merged into the output or discarded."""

    code: int
    output: bytes
    errors: bytes = b""

    @property
    def text(self) -> str:
        """The output, readable whatever is in it."""
        return self.output.decode(errors="replace")


async def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | str | None = None,
    stdin: bytes | None = None,
    errors: Errors = Errors.APART,
    umask: int = -1,
    most_bytes: int | None = None,
    timeout_seconds: float | None = None,
) -> Finished:
    """Run `command` to its end. The caller interprets the exit code.

    Raises OSError when it cannot be started, TimeoutError after `timeout_seconds`, TooMuchOutput past `most_bytes` of
    output or of errors. However this call ends (normally, by one of these errors or by cancellation), no process of the command's
    tree is left. Nothing is retried.
    """
    child = started(
        command, environment=environment, directory=directory, stdin=stdin is not None, errors=errors, umask=umask
    )  # fmt: skip
    async with child as process, asyncio.timeout(timeout_seconds):
        output, complaints = await _together(
            _read(process.stdout, most_bytes),
            _read(process.stderr, most_bytes),
            _feed(process.stdin, stdin or b""),
        )
        return Finished(await process.wait(), output, complaints)


async def _together(*work: Coroutine[Any, Any, bytes]) -> tuple[bytes, bytes]:
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        output, complaints, _ = await asyncio.gather(*tasks)
        return output, complaints
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(stream: asyncio.StreamReader | None, most_bytes: int | None) -> bytes:
    out = bytearray()
    while stream is not None and (chunk := await stream.read(1 << 20)):
        out += chunk
        if most_bytes is not None and len(out) > most_bytes:
            raise TooMuchOutput(f"more than {most_bytes:,} bytes")
    return bytes(out)


async def _feed(stream: asyncio.StreamWriter | None, data: bytes) -> bytes:
    """Write all of `data` to its stdin; it is no error if the command ends without reading all of it."""
    if stream is not None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            stream.write(data)
            await stream.drain()
        stream.close()
    return b""
