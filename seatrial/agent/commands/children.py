"""Child processes: started and ended here, and nowhere else in the agent.

Each leads a session of its own. The caller that starts a child must end it, with `end` or by leaving `started`; after that,
neither the child nor any descendant is left, including those that left its session. Cancelling alone does not end a child.
A service of the process runtime is not a child: its keeper, started by `detached`, outlives the agent.
"""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from enum import Enum
from pathlib import Path

import psutil

from seatrial.agent.vocabulary.whole import whole

ENDING_LOOKS = (
    3_000  # polled a hundred times a second; a process that has not ended by then hangs in the kernel
)
BUFFERED = 1 << 20  # bytes of a pipe that wait to be read


class Errors(Enum):
    """Where a child's stderr goes."""

    APART = PIPE
    WITH_OUTPUT = STDOUT
    DROPPED = DEVNULL


async def start(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | str | None = None,
    stdin: bool = False,
    errors: Errors = Errors.APART,
    umask: int = -1,
) -> Process:
    """Start a child; the caller reads its pipes and ends it. `environment` None and `umask` -1 inherit ours.

    If cancelled while the child starts, nothing of it is left. Raises OSError when it cannot be started:
    FileNotFoundError when there is no such program.
    """
    starting = asyncio.create_task(
        asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE if stdin else DEVNULL,
            stdout=PIPE,
            stderr=errors.value,
            env=None if environment is None else dict(environment),
            cwd=directory,
            limit=BUFFERED,
            umask=umask,
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _undo(starting)
        raise


@whole
async def _undo(starting: asyncio.Task[Process]) -> None:
    """End the child with its descendants; asyncio itself would kill only the child."""
    with contextlib.suppress(OSError):
        await end(await starting)


@contextlib.asynccontextmanager
async def started(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | str | None = None,
    stdin: bool = False,
    errors: Errors = Errors.APART,
    umask: int = -1,
) -> AsyncIterator[Process]:
    """`start`, and `end` however the block is left."""
    process = await start(
        command, environment=environment, directory=directory, stdin=stdin, errors=errors, umask=umask
    )
    try:
        yield process
    finally:
        await end(process)


async def detached(command: Sequence[str], *, environment: Mapping[str, str]) -> None:
    """Start a process that is not our child and outlives us. If cancelled, the process may or may not have been started."""
    process = await asyncio.create_subprocess_exec(
        "setsid", "--fork", *command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, env=dict(environment), cwd="/",
    )  # fmt: skip
    await process.wait()


async def end(process: Process) -> None:
    """Kill the session of `process` and every descendant, including those that left the session, and wait until they have ended."""
    ours = process.returncode is None or not psutil.pid_exists(process.pid)
    family = _family(process) if ours else []
    if ours:  # otherwise the pid may have been reused, which happens only when its session is empty
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    for descendant in family:
        with contextlib.suppress(psutil.Error):
            descendant.kill()
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
    # The loop closes the transport only once every pipe is closed; it would wait for a reader.
    process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001  there is no other way
    await gone(family)


def _family(process: Process) -> list[psutil.Process]:
    """The descendants of a running child; for one that has ended, what is left of its session."""
    with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
        if process.returncode is None:
            return psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, 0)  # cheap, and usually no process is left
        return [one for one in psutil.process_iter() if _session_of(one.pid) == process.pid]
    return []


def _session_of(number: int) -> int | None:
    with contextlib.suppress(OSError):
        return os.getsid(number)
    return None


async def gone(killed: Sequence[psutil.Process]) -> None:
    """Wait until they have ended: on a busy host a killed process may go on writing for a while."""
    for _ in range(ENDING_LOOKS):
        if not any(map(runs, killed)):
            return
        await asyncio.sleep(0.01)


def runs(process: psutil.Process) -> bool:
    """Whether it has not ended; a zombie counts as ended."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
