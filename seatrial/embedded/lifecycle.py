"""Start in the foreground, start detached, stop, purge: what `seatrial up` and `seatrial down` do.

What is costly to import is imported where it is used: every other command imports this module, too.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.embedded import locking, orphans
from seatrial.embedded.errors import ComponentFailed, EmbeddedError
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.preflight import Choices
from seatrial.embedded.processes import Record, end, wait_until_gone
from seatrial.embedded.progress import Event, Listener, parse, step
from seatrial.embedded.remembered import Remembered, read

if TYPE_CHECKING:
    from seatrial.embedded.platform import Platform

STOP_SECONDS = 60.0


def run(data: DataDirectory, choices: Choices, environ: Mapping[str, str], tell: Listener) -> None:
    """Start and stay until SIGINT or SIGTERM; everything is stopped when this returns or raises.

    Raises AlreadyRuns, another EmbeddedError, or KeyboardInterrupt when it was told to stop while starting.
    """
    from seatrial.embedded.platform import Platform, Setting, require_programs

    require_programs(Path(sys.executable).parent)
    data.create()
    with locking.only_one(data):
        supervisor_log = data.logs / "supervisor.log"
        said = _Said(tell, supervisor_log)
        setting = Setting(data, choices, environ, said, said.say)
        asyncio.run(_until_told(Platform(setting)))
    if not said.ready:
        raise KeyboardInterrupt


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
    """Passes progress on; what happens later goes to the supervisor's log, and to whoever still looks."""

    def __init__(self, tell: Listener, log: Path) -> None:
        self._tell = tell
        self._log = log
        self.ready = False

    def __call__(self, event: Event) -> None:
        self.ready = self.ready or event.kind == "ready"
        self._tell(event)

    def say(self, text: str) -> None:
        """One line that nobody asked for."""
        with self._log.open("a") as file:
            file.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC {text}\n")
        if self.ready:
            self._tell(Event(kind="note", text=text))


def start_detached(data: DataDirectory, choices: Choices, environ: Mapping[str, str], tell: Listener) -> None:
    """Start a supervisor of its own session, and return when it is ready. Raises as `run` does.

    Ctrl-C here stops it again, cleanly, before KeyboardInterrupt is raised.
    """
    data.create()
    reading, writing = os.pipe()
    asked = json.dumps([choices.port, choices.ingress_port, choices.runtime])
    with (data.logs / "supervisor.log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "seatrial.embedded", "up", str(writing), asked],
            env=dict(environ),
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


def _relay(reading: int, tell: Listener) -> None:
    """Pass events on until the last one."""
    with os.fdopen(reading) as lines:
        for line in lines:
            event = parse(line)
            if event is None:
                continue
            if event.kind == "failed":
                kind = locking.AlreadyRuns if event.text == "already" else EmbeddedError
                raise kind(event.text, fix=event.fix)
            tell(event)
            if event.kind == "ready":
                return
    raise ComponentFailed("the supervisor ended before it was ready.", fix="Look into logs/supervisor.log")


def stop(data: DataDirectory, environ: Mapping[str, str], tell: Listener, *, purge: bool) -> str:
    """Stop the platform; with `purge` remove all it made. Idempotent. Returns the closing sentence."""
    supervisor = locking.running(data)
    if not data.root.exists():
        return "seatrial is not running."
    remembered = read(data.platform_file) if data.platform_file.exists() else None
    if purge and supervisor and remembered:
        from seatrial.embedded.purge import stop_environments

        with step(tell, "removing previews"):
            stop_environments(remembered, data)
    with step(tell, "stopping processes"):
        stopped = _stop_processes(data, supervisor)
    if purge:
        _purge(data, environ, remembered, tell)
        return "seatrial is stopped; nothing is left of it but caches and the engine."
    if not stopped:
        return "seatrial is not running."
    return "seatrial is stopped. Previews and data are kept for the next `seatrial up`."


def _stop_processes(data: DataDirectory, supervisor: Record | None) -> bool:
    if supervisor and (process := supervisor.find()):
        process.send_signal(signal.SIGTERM)
        if not wait_until_gone(supervisor, STOP_SECONDS):
            end(supervisor, stop_signal=signal.SIGKILL, grace_seconds=1)
    left = orphans.end_all(data)
    return bool(supervisor or left)


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
