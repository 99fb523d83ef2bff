"""Runs components: starts them, waits until they are ready, starts them again when they die, stops them in order.

One asyncio task watches each process through a pidfd. A process that dies is replaced at once the first time and
with growing pauses after that; the pause is reset once it has run for `SETTLED_SECONDS`. Nothing here gives up: a
component that cannot run is retried for ever, because the obstacle (a full disk, a busy port) may go away.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from seatrial.embedded.components.base import Component
from seatrial.embedded.errors import ComponentFailed
from seatrial.embedded.processes import (
    START_MARK,
    ChildProgram,
    Records,
    end_child,
    ended,
    kill_session,
    last_words,
    spawn,
)

PAUSES = (0.05, 0.5, 1.0, 2.0, 5.0, 10.0)
SETTLED_SECONDS = 30.0
DEATHS_WHILE_STARTING = 3
# Between two looks at what starts. Looking takes from the processors what starting needs: a look that took long is not soon repeated.
LOOK_SECONDS, LONGEST_PAUSE_SECONDS, LEAVES_ALONE = 0.05, 1.0, 5

Say = Callable[[str], None]


@dataclass(frozen=True)
class End:
    """How a program ended: its exit code, negative for a signal, None if it never began; and `how`, for people."""

    code: int | None
    how: str


class Supervisor:
    """The processes of one platform. `say` is called with one line for each event after the start."""

    def __init__(self, records: Records, logs: Path, say: Say) -> None:
        self._records = records
        self._logs = logs
        self._say = say
        self._running: dict[str, tuple[Component, asyncio.Task[None]]] = {}
        self._deaths: dict[str, int] = {}

    def log_of(self, name: str) -> Path:
        """The component's log file."""
        return self._logs / f"{name}.log"

    async def start(self, component: Component) -> None:
        """Start a component and wait until it is ready. If it fails, stop it and raise ComponentFailed with its last lines."""
        self._deaths[component.name] = 0
        task = asyncio.create_task(self._keep(component), name=component.name)
        self._running[component.name] = (component, task)
        looked = time.monotonic()
        deadline = looked + component.patience_seconds
        while (missing := await component.ready()) is not None:
            dead = self._deaths[component.name] >= DEATHS_WHILE_STARTING
            if dead or time.monotonic() > deadline:
                await self.stop_one(component.name)
                raise self._failure(component, "it ends as soon as it starts" if dead else missing)
            pause = max(LOOK_SECONDS, LEAVES_ALONE * (time.monotonic() - looked))
            await asyncio.sleep(min(pause, LONGEST_PAUSE_SECONDS))
            looked = time.monotonic()

    def _failure(self, component: Component, missing: str) -> ComponentFailed:
        log = self.log_of(component.name)
        lines = "\n  ".join(last_words(log))
        return ComponentFailed(
            f"{component.what} did not become ready: {missing}.\n  {lines}", fix=f"The whole log: {log}"
        )

    async def _keep(self, component: Component) -> None:
        attempt = 0
        while True:
            began = time.monotonic()
            end = await self._run(component.program)
            self._deaths[component.name] += 1
            attempt = 0 if time.monotonic() - began > SETTLED_SECONDS else attempt + 1
            pause = PAUSES[min(max(attempt - 1, 0), len(PAUSES) - 1)]
            self._say(f"{component.what} {end.how}; starting it again")
            await asyncio.sleep(pause)

    async def _run(self, program: ChildProgram) -> "End":
        """Run the program once, to its end. Cancelling stops the process."""
        log = self.log_of(program.name)
        _mark_start(log)
        try:
            process = spawn(program, log)
        except OSError as error:
            return End(None, f"cannot start ({error.strerror})")
        with contextlib.suppress(OSError):  # on a full disk the process runs without a record
            self._records.write(program.name, process.pid)
        try:
            await ended(process.pid)
        except asyncio.CancelledError:
            loop = asyncio.get_running_loop()
            await asyncio.shield(loop.run_in_executor(None, end_child, process, program))
            self._records.remove(program.name)
            raise
        finally:
            with contextlib.suppress(ChildProcessError):
                process.wait()
        kill_session(process.pid)  # processes it started must not run beside its successor
        code = process.returncode
        return End(code, f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}")

    async def run_once(self, program: ChildProgram) -> None:
        """Run a command to its end. Raises ComponentFailed when it fails; cancelling ends it."""
        log = self.log_of(program.name)
        end = await self._run(program)
        self._records.remove(program.name)
        if end.code != 0:
            lines = "\n  ".join(last_words(log))
            raise ComponentFailed(f"{program.name} {end.how}.\n  {lines}", fix=f"The whole log: {log}")

    async def stop_one(self, name: str) -> None:
        """Stop one component; a no-op if it does not run."""
        _, task = self._running.pop(name, (None, None))
        if task:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def stop(self) -> None:
        """Stop everything, last started first."""
        for name in reversed(list(self._running)):
            await self.stop_one(name)


def _mark_start(log: Path) -> None:
    """Write into the log that a start begins."""
    with contextlib.suppress(OSError), log.open("a") as file:
        file.write(f"{START_MARK} {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
