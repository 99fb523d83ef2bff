"""Children do not outlive their supervisor, and a record never names somebody else's process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from seatrial.embedded import orphans
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.processes import ChildProgram, Record, Records, last_words, spawn

SUPERVISOR = """
import os, sys, time
from pathlib import Path
from seatrial.embedded.processes import ChildProgram, Records, spawn
code = "import signal, time; signal.signal(signal.SIGTERM, signal.{reaction}); print('set', flush=True); time.sleep(600)"
data = Path(sys.argv[1])
child = spawn(ChildProgram("child", [sys.executable, "-c", code], dict(os.environ)), data / "child.log")
while "set" not in (data / "child.log").read_text():
    time.sleep(0.02)
Records(data).write("child", child.pid)
print(child.pid, flush=True)
time.sleep(600)
"""


def start(directory: Path, reaction: str) -> tuple[subprocess.Popen[str], int]:
    """A supervisor with one child, and the child's pid."""
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR.replace("{reaction}", reaction), str(directory)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert supervisor.stdout
    with supervisor.stdout as output:
        return supervisor, int(output.readline())


def has_ended(pid: int) -> bool:
    try:
        return "Z" in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1]
    except OSError:
        return True


def gone(pid: int, seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if has_ended(pid):
            return True
        time.sleep(0.05)
    return False


def test_a_child_ends_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    supervisor, child = start(tmp_path, "SIG_DFL")
    supervisor.kill()
    supervisor.wait()
    assert gone(child)


@pytest.mark.slow
def test_an_orphan_that_would_not_go_is_found_and_ended(data: DataDirectory) -> None:
    supervisor, child = start(data.run, "SIG_IGN")
    supervisor.kill()
    supervisor.wait()
    assert not gone(child, 0.5)
    assert orphans.end_all(data) == ["child"]
    assert gone(child)
    assert Records(data.run).all() == []


def test_a_pid_that_was_given_to_somebody_else_is_left_alone(data: DataDirectory) -> None:
    somebody = subprocess.Popen(["sleep", "600"])
    try:
        record = Record("web", somebody.pid, started="another boot 12345")
        assert record.find() is None
        (data.run / "web.json").write_text(
            f'{{"name": "web", "pid": {somebody.pid}, "started": "another boot 12345"}}'
        )
        assert orphans.end_all(data) == []
        assert somebody.poll() is None
    finally:
        somebody.kill()
        somebody.wait()


def test_setting_the_clock_loses_no_process(data: DataDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    Records(data.run).write("web", os.getpid())
    before = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: before(self) + 3600)
    record = Records(data.run).read("web")
    assert record and record.find()


def test_a_damaged_record_is_ignored(data: DataDirectory) -> None:
    (data.run / "web.json").write_text("{ not json")
    assert Records(data.run).all() == []


def test_ctrl_c_in_the_terminal_does_not_reach_a_child(tmp_path: Path) -> None:
    child = spawn(ChildProgram("child", ["sleep", "600"]), tmp_path / "log")
    try:
        assert os.getsid(child.pid) == child.pid != os.getsid(0)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()


def test_last_words_are_those_since_the_last_start(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("--- start at noon\nold trouble\n--- start at one\nnew trouble\n")
    assert last_words(log) == ["new trouble"]
    assert last_words(tmp_path / "nothing") == []
