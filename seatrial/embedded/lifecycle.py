"""Starts the platform in the foreground or detached, stops it, and purges it, for `seatrial up` and `seatrial down`.

Slow imports are inside the functions that need them, because every other command imports this module, too.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.embedded import locking, orphans
from seatrial.embedded.errors import CannotRun, ComponentFailed, EmbeddedError
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.preflight import Choices, require_space
from seatrial.embedded.processes import end, wait_until_gone
from seatrial.embedded.progress import Event, Listener, parse, step
from seatrial.embedded.remembered import Remembered, read
from seatrial.embedded.typed import typed

if TYPE_CHECKING:
    from seatrial.embedded.platform import Platform

STOP_SECONDS = 60.0


def run(data: DataDirectory, choices: Choices, environ: Mapping[str, str], tell: Listener) -> None:
    """Start the platform and run it until SIGINT or SIGTERM; everything is stopped when this returns or raises.

    Raises AlreadyRuns, another EmbeddedError, or KeyboardInterrupt if it is told to stop while it starts.
    """
    from seatrial.embedded.platform import Platform, Setting, require_programs

    require_programs(Path(sys.executable).parent)
    data.create()
    require_space(data.root)
    with _disk_problems(data), locking.only_one(data):
        supervisor_log = data.logs / "supervisor.log"
        said = _Said(tell, supervisor_log)
        setting = Setting(data, choices, environ, said, said.say)
        asyncio.run(_until_told(Platform(setting)))
    if not said.ready:
        raise KeyboardInterrupt


@contextmanager
def _disk_problems(data: DataDirectory) -> Iterator[None]:
    """Turns errors from writing files, which are no defects of Seatrial, into errors with a fix."""
    try:
        yield
    except OSError as error:
        raise CannotRun(
            f"{error.filename or data.root}: {error.strerror or error}.",
            fix="Look at its disk and its owner, or choose another place: SEATRIAL_DATA_DIR=/some/where",
        ) from error


async def _until_told(platform: "Platform") -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(platform.run())
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(sign, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return


class _Said:
    """Passes progress on. Later events go to the supervisor's log too."""

    def __init__(self, tell: Listener, log: Path) -> None:
        self._tell = tell
        self._log = log
        self.ready = False

    def __call__(self, event: Event) -> None:
        self.ready = self.ready or event.kind == "ready"
        self._tell(event)

    def say(self, text: str) -> None:
        """Report one event. On a full disk it is not stored."""
        with contextlib.suppress(OSError), self._log.open("a") as file:
            file.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC {text}\n")
        if self.ready:
            self._tell(Event(kind="note", text=text))


def start_detached(data: DataDirectory, choices: Choices, environ: Mapping[str, str], tell: Listener) -> None:
    """Start a supervisor in a session of its own, and return when the platform is ready. Raises the same errors as `run`.

    Ctrl-C during the start stops the supervisor cleanly before KeyboardInterrupt is raised.
    """
    data.create()
    require_space(data.root)
    reading, writing = os.pipe()
    asked = json.dumps([choices.port, choices.ingress_port, choices.runtime])
    with _disk_problems(data), (data.logs / "supervisor.log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "seatrial.embedded", "up", str(writing), asked],
            env={
                **environ,
                "SEATRIAL_DATA_DIR": str(data.root),
            },  # absolute, because the supervisor starts in another folder
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(writing,),
            start_new_session=True,
            cwd="/",
        )
    os.close(writing)
    try:
        _relay(reading, tell)
    except KeyboardInterrupt:
        child.terminate()
        child.wait()
        raise
    except EmbeddedError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            # The supervisor has reported everything and ends; the caller may start another one at once.
            child.wait(STOP_SECONDS)
        raise


def _relay(reading: int, tell: Listener) -> None:
    """Pass events on until the last one has arrived."""
    with os.fdopen(reading) as lines:
        for line in lines:
            event = parse(line)
            if event is None:
                continue
            if event.kind == "already_runs":
                raise locking.AlreadyRuns(event.text)
            if event.kind == "failed":
                raise EmbeddedError(event.text, fix=event.fix)
            tell(event)
            if event.kind == "ready":
                return
    raise ComponentFailed("the supervisor ended before it was ready.", fix="Look into logs/supervisor.log")


def stop(data: DataDirectory, environ: Mapping[str, str], tell: Listener, *, purge: bool) -> str:
    """Stop the platform; with `purge`, remove everything it created. Idempotent. Returns the closing sentence.

    Raises CannotRun if something is left, or if another command starts or stops the platform meanwhile.
    """
    if not (data.root if purge else data.run).exists():
        return "seatrial is not running."
    remembered = read(data.platform_file)
    with _disk_problems(data), ExitStack() as stack:
        with step(tell, "stopping processes"):
            stopped = _end_supervisor(data)
            stack.enter_context(_nobody_starts(data))
            stopped = bool(orphans.end_all(data)) or stopped
        if purge:
            _purge(data, environ, remembered, tell)
            return "seatrial is stopped; nothing is left of it but caches and the engine."
    if not stopped:
        return "seatrial is not running."
    return f"seatrial is stopped. Previews and data are kept for the next start: {typed('up')}"


def _end_supervisor(data: DataDirectory) -> bool:
    """End the running supervisor. Returns whether there was one."""
    supervisor = locking.running(data)
    if supervisor is None:
        return False
    if process := supervisor.find():
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)  # one that is stopped would not hear it
    if not wait_until_gone(supervisor, STOP_SECONDS):
        end(supervisor, stop_signal=signal.SIGKILL, grace_seconds=1)
    return True


@contextmanager
def _nobody_starts(data: DataDirectory) -> Iterator[None]:
    """Lock the data directory, so that no `up` starts in it while it is being removed."""
    data.run.mkdir(exist_ok=True)
    try:
        with locking.held(data, patience_seconds=2):
            yield
    except locking.AlreadyRuns as error:
        raise CannotRun(
            "another command starts or stops seatrial at this moment.", fix=f"Then again: {typed('down')}"
        ) from error


def _purge(
    data: DataDirectory, environ: Mapping[str, str], remembered: Remembered | None, tell: Listener
) -> None:
    from seatrial.embedded.components.postgres import from_wheel
    from seatrial.embedded.purge import purge_engine, purge_processes, remove_tree

    with step(tell, "removing containers, networks and volumes"):
        asyncio.run(purge_engine(data, remembered, environ))
        asyncio.run(purge_processes(data))
    with step(tell, "removing data"):
        from_wheel(data.postgres).remove_socket_directory()
        remove_tree(data)
