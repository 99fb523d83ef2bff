"""Child processes that end soon after the supervisor, and records to find those that did not.

Every child leads a session of its own (so that Ctrl-C in a terminal reaches only the supervisor), is told to
end when the supervisor dies (PR_SET_PDEATHSIG), and has a record in `run/` with its start time: a pid alone may
long belong to somebody else. The signal is not enough for a process that hangs, is stopped, or has switched that signal off:
`lifeline` ends those by their records.
"""

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from seatrial import files

PR_SET_PDEATHSIG = 1
START_MARK = "--- start at"  # begins a line of a program's log, written before each start
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class ChildProgram:
    """A program that the supervisor runs as its child: the command, its environment and how to stop it."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None  # run as this system user instead of ourselves
    stop_signal: signal.Signals = signal.SIGTERM
    grace_seconds: float = 10.0
    directory: Path | None = None
    outlives: bool = False  # it goes on when the supervisor dies, and ends by itself


@dataclass(frozen=True)
class Record:
    """Identifies a process of ours reliably enough to kill it."""

    name: str
    pid: int
    started: str

    def find(self) -> psutil.Process | None:
        """The process, unless it is gone or its pid has been reused."""
        if self.started != _started(self.pid):
            return None
        with contextlib.suppress(psutil.Error):
            return psutil.Process(self.pid)
        return None


def _started(pid: int) -> str | None:
    """The start of the process, as the boot id and clock ticks since the boot, which setting the clock does not change. None
    if the process has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    state, ticks = fields[0], fields[19]
    return None if state in "ZX" else f"{boot} {ticks}"


class Records:
    """One file per component in `run/`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def write(self, name: str, pid: int) -> None:
        """Record that `pid`, which runs now, is ours. Raises OSError, for example on a full disk."""
        started = _started(pid)
        if started is None:
            return
        content = json.dumps({"name": name, "pid": pid, "started": started})
        files.replace(self._directory / f"{name}.json", content)

    def remove(self, name: str) -> None:
        """Forget the component's process."""
        (self._directory / f"{name}.json").unlink(missing_ok=True)

    def read(self, name: str) -> Record | None:
        """The component's record, or None when there is none that can be read."""
        try:
            return Record(**json.loads((self._directory / f"{name}.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def all(self) -> list[Record]:
        """Every record."""
        names = sorted(path.stem for path in self._directory.glob("*.json"))
        return [record for name in names if (record := self.read(name))]


def spawn(program: ChildProgram, log: Path) -> subprocess.Popen[bytes]:
    """Start the program with its output appended to `log`. Raises OSError."""
    supervisor = os.getpid()

    def end_with_the_supervisor() -> None:
        # The signal comes when the calling thread ends: the event loop's, which lives as long as the supervisor.
        if not program.outlives:
            _LIBC.prctl(PR_SET_PDEATHSIG, program.stop_signal, 0, 0, 0)
        if os.getppid() != supervisor:  # the supervisor died before the call above
            os._exit(1)

    with log.open("ab") as output:
        return subprocess.Popen(
            list(program.arguments),
            env=dict(program.environment),
            cwd=program.directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=program.user,
            group=program.user,
            extra_groups=[] if program.user else None,
            # The child only makes two system calls; prctl is per process, so no wrapper can do it for us.
            preexec_fn=end_with_the_supervisor,  # noqa: PLW1509
        )


def end_child(child: subprocess.Popen[bytes], program: ChildProgram) -> None:
    """Ask our child to end, then kill it and every process of its session. Returns when it is gone."""
    child.send_signal(program.stop_signal)
    child.send_signal(signal.SIGCONT)  # one that is stopped would not hear it
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(program.grace_seconds)
    kill_session(child.pid)
    child.wait()


def end(record: Record, *, stop_signal: signal.Signals, grace_seconds: float) -> None:
    """Ask the process to end, then kill it and every process of its session. Returns when it is gone."""
    process = record.find()
    if process is None:
        return
    with contextlib.suppress(psutil.Error):
        process.send_signal(stop_signal)
        process.send_signal(signal.SIGCONT)  # one that is stopped would not hear it
        psutil.wait_procs([process], timeout=grace_seconds)
    kill_session(record.pid)
    with contextlib.suppress(psutil.Error):
        psutil.wait_procs([process], timeout=5)


async def ended(pid: int) -> None:
    """Wait until the process has ended, which takes no looks at it. A child has to be reaped then."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    descriptor = os.pidfd_open(pid)

    def tell() -> None:
        if not over.done():
            over.set_result(None)

    loop.add_reader(descriptor, tell)
    try:
        await over
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def kill_session(pid: int) -> None:
    """SIGKILL for every process of the group that `pid` leads; nothing when there is none."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def last_words(log: Path, count: int = 8) -> list[str]:
    """The end of a log, for people: of a traceback, only the exception."""
    lines = last_lines(log, 60)
    start = max((index for index, line in enumerate(lines) if line.startswith(START_MARK)), default=-1)
    lines = lines[start + 1 :]
    if any(line.startswith("Traceback (most recent call last)") for line in lines):
        lines = [line for line in lines if line.strip() and not line.startswith((" ", "Traceback"))][-2:]
    return lines[-count:]


def last_lines(log: Path, count: int = 15) -> list[str]:
    """The end of a log file."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 20_000))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except OSError:
        return []


def wait_until_gone(record: Record, seconds: float) -> bool:
    """Whether the process ended within `seconds`."""
    deadline = time.monotonic() + seconds
    while record.find() is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
