"""Keeps one service running without a container engine: `keeper.py FOLDER`. Standard library only.

Reads FOLDER/start.json, writes FOLDER/state.json and FOLDER/log. It outlives the agent that started it. SIGTERM ends
the service and the keeper; the service's processes end with the keeper, however the keeper ends.
"""

import ctypes
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LONGEST_LINE = 4_000
LARGEST_LOG = 10_000_000
PR_SET_PDEATHSIG = 1


class Keeper:
    """One service and its log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start: dict[str, Any] = json.loads((folder / "start.json").read_text())
        self.restarts = 0
        self.stopping = False
        self.process: subprocess.Popen[bytes] | None = None
        self.log = (folder / "log").open("ab", buffering=0)

    def run(self) -> None:
        """Run until the service has ended and need not be restarted."""
        signal.signal(signal.SIGTERM, self.stop)
        delay = 0.1
        while not self.stopping:
            began = time.monotonic()
            code = self.once()
            again = {"unless-stopped": True, "on-failure": code != 0}.get(self.start["restart"], False)
            if self.stopping or not again:
                self.note("exited", code)
                return
            delay = 0.1 if time.monotonic() - began > 10 else min(delay * 2, 10.0)
            self.restarts += 1
            self.note("restarting", code)
            time.sleep(delay)
        self.note("exited", 143)

    def once(self) -> int:
        """Run the service to its end and return its exit code."""
        try:
            self.process = subprocess.Popen(
                self.start["command"], cwd=self.start["directory"], env=self.start["environment"],
                stdin=self.input(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True, preexec_fn=die_with_parent,  # noqa: PLW1509  # one thread only
            )  # fmt: skip
        except OSError as error:
            self.write("stderr", f"cannot start {self.start['command'][0]}: {error.strerror}".encode())
            return 127
        if (
            self.stopping
        ):  # SIGTERM arrived while the service was starting, when there was no process to signal yet
            self.stop(signal.SIGTERM, None)
        self.note("running", None)
        self.forward(self.process)
        code = self.process.wait()
        end_group(self.process.pid)
        return code if code >= 0 else 128 - code

    def input(self) -> int:
        """What it reads from: nothing, or what stays open and never brings anything."""
        return subprocess.PIPE if self.start.get("stdin_open") else subprocess.DEVNULL

    def forward(self, process: subprocess.Popen[bytes]) -> None:
        """Copy both outputs into the log, line by line, until the service ends."""
        assert process.stdout and process.stderr
        pending = {process.stdout.fileno(): b"", process.stderr.fileno(): b""}
        names = {process.stdout.fileno(): "stdout", process.stderr.fileno(): "stderr"}
        with selectors.DefaultSelector() as selector:
            for number in pending:
                selector.register(number, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(timeout=0.5)
                if not ready and process.poll() is not None:
                    break
                for key, _ in ready:
                    chunk = os.read(key.fd, 65_536)
                    if not chunk:
                        selector.unregister(key.fd)
                        continue
                    *lines, rest = (pending[key.fd] + chunk).split(b"\n")
                    pending[key.fd] = rest if len(rest) <= LONGEST_LINE else b""
                    for line in lines if pending[key.fd] or not rest else [*lines, rest]:
                        self.write(names[key.fd], line)
        for number, rest in pending.items():
            if rest:
                self.write(names[number], rest)

    def write(self, stream: str, line: bytes) -> None:
        """Write one line, with its time. A log that has grown too large is started afresh."""
        if self.log.tell() > LARGEST_LOG:
            self.log.truncate(0)
            self.log.seek(0)
        self.log.write(f"{datetime.now(UTC).isoformat()} {stream} ".encode() + line[:LONGEST_LINE] + b"\n")

    def note(self, state: str, code: int | None) -> None:
        """Write the current state to the folder."""
        process = self.process.pid if self.process else None
        text = json.dumps(
            {"state": state, "exit_code": code, "restarts": self.restarts, "process": process, "keeper": os.getpid(),
             "started_at": datetime.now(UTC).isoformat()}
        )  # fmt: skip
        written = self.folder / "state.json.new"
        written.write_text(text)
        written.replace(self.folder / "state.json")

    def stop(self, _number: int, _frame: object) -> None:
        """SIGTERM: ask the service to end, and do not start it again."""
        self.stopping = True
        if self.process and self.process.poll() is None:
            try:
                os.killpg(self.process.pid, signal.SIGTERM)
            except ProcessLookupError:
                return


def die_with_parent() -> None:
    """In the child: end when the keeper does."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end_group(group: int) -> None:
    """Kill the processes that the service left running."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


if __name__ == "__main__":
    Keeper(Path(sys.argv[1])).run()
