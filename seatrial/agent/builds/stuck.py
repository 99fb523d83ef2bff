"""A build that waits for ever is ended: when the runtime is killed between making a step and beginning it, buildah goes on
waiting for the step, which nobody will begin."""

import asyncio
import contextlib
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import PurePath
from typing import Any, TypeVar

import psutil

from seatrial.agent.builds.attempts import Interrupted
from seatrial.agent.commands.descent import below

LOOK_SECONDS = 2.0
LOOKS = 5  # in a row: between making a step and beginning it, a busy host takes a moment
RUNTIME = "runc"
T = TypeVar("T")


async def watched(work: Coroutine[Any, Any, T], mark: str, look_seconds: float = LOOK_SECONDS) -> T:
    """`work`, which runs a command that has `mark` among its arguments. Cancelled, and Interrupted raised, when the command
    waits for a step that nobody will begin."""
    task = asyncio.ensure_future(work)
    waited = 0
    try:
        while not (await asyncio.wait({task}, timeout=look_seconds))[0]:
            waited = waited + 1 if never_begins(await asyncio.to_thread(programs, mark)) else 0
            if waited >= LOOKS:
                raise Interrupted("a step was prepared and never began, because the runtime was killed")
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def never_begins(running: Iterable[Sequence[str]]) -> bool:
    """Whether among these commands one waits to become a step, and none is there that would let it."""
    of_runtime = [command for command in running if command and PurePath(command[0]).name == RUNTIME]
    return bool(of_runtime) and all(command[1:] == ["init"] for command in of_runtime)


def programs(mark: str) -> list[list[str]]:
    """The commands below our child that has `mark` among its arguments."""
    return [command(child) for child in processes(mark)]


def processes(mark: str) -> set[psutil.Process]:
    """All that run below our child that has `mark` among its arguments."""
    roots = [child for child in below(psutil.Process()) if mark in command(child)]
    return {one for root in roots for one in _below(root)}


def _below(root: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return below(root)
    return []


def command(process: psutil.Process) -> list[str]:
    """Its arguments; empty if it has ended."""
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []
