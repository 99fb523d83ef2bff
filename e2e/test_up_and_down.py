"""Starting and stopping the platform: interrupted at any moment, beside other programs, killed, purged."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.platform import SEATRIAL, Platform, eventually, leftovers
from e2e.repositories import static
from tests.engines import require

pytestmark = pytest.mark.e2e


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Platform]:
    """A platform for this test only, not started, in a folder with a usual name."""
    require("docker")
    platform = Platform(tmp_path / "my data")
    yield platform
    platform.purge()


@pytest.mark.parametrize(
    "moment",
    [*(pytest.param(seconds, marks=pytest.mark.campaign) for seconds in (0.0, 0.7, 4.7)), 2.2, None],
    ids=lambda m: "when it is up" if m is None else m,
)
def test_ctrl_c_at_any_moment_of_the_start_leaves_nothing_running(
    own: Platform, moment: float | None
) -> None:
    starting = subprocess.Popen(
        [SEATRIAL, "up"],
        env={**own.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert starting.stdout
    if moment is None:
        assert any("seatrial runs at" in line for line in starting.stdout)
    else:
        eventually(lambda: _has_begun(starting.pid), what="the command itself has begun")
        time.sleep(moment)
    starting.send_signal(signal.SIGINT)
    out, _ = starting.communicate(timeout=600)
    assert starting.returncode in {0, 130, -signal.SIGINT}, out
    assert "Traceback" not in out
    assert own.processes() == []


def _has_begun(pid: int) -> bool:
    """Whether the process has imported modules that only our code imports: before that, Python itself handles Ctrl-C."""
    return "pydantic_core" in Path(f"/proc/{pid}/maps").read_text()


def test_a_start_that_was_interrupted_is_begun_again_and_purged_after_its_supervisor_was_killed(
    own: Platform, home: Path
) -> None:
    detached = subprocess.Popen(
        [SEATRIAL, "up", "--detach"],
        env={**own.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert detached.stdout
    assert "checking this machine" in detached.stdout.readline()
    detached.send_signal(signal.SIGINT)
    _, err = detached.communicate(timeout=600)
    assert detached.returncode == 130, err
    assert "Start it again: " in err and err.rstrip().endswith("seatrial up")
    assert own.processes() == []
    own.up()
    again = own.run("up")
    assert again.returncode == 0
    assert "already runs" in again.stdout

    own.json("preview", str(static(home / "wreck")), "--branch", "feature")
    agent = own.agent_id()
    own.supervisor().kill()
    done = own.run("down", "--purge")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not own.directory.exists()
    assert own.processes() == []
    assert leftovers(agent) == {}


def test_a_taken_port_is_named_and_nothing_is_left_running(own: Platform) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", own.ingress))
        taken.listen()
        done = own.run("up", "--detach")
    assert done.returncode == 2
    assert str(own.ingress) in done.stderr
    assert f"pid {os.getpid()}" in done.stderr
    assert "--ingress-port" in done.stderr
    assert own.processes() == []


def test_down_and_purge_of_nothing_are_no_mistake(own: Platform) -> None:
    for words in (("down",), ("down", "--purge"), ("down", "--purge")):
        done = own.run(*words)
        assert done.returncode == 0, done.stderr
        assert "not running" in done.stdout
