"""Starting and stopping the platform: interrupted at any moment, in the way of others, killed, purged."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from e2e.platform import SEATRIAL, Platform, eventually
from e2e.repositories import static
from tests.engines import require

pytestmark = pytest.mark.e2e


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Platform]:
    """A platform of this test's own, not started, in a folder such as people have them."""
    require("docker")
    platform = Platform(tmp_path / "my data")
    yield platform
    platform.purge()


def processes(platform: Platform) -> list[str]:
    """What runs with this data directory in its command line or environment, but commands that tests wait for."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        try:
            line = " ".join(process.info["cmdline"] or [])
            if str(platform.directory) in line or process.environ().get("SEATRIAL_DATA_DIR") == str(
                platform.directory
            ):
                found.append(line)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize("moment", [0.3, 1.0, 2.5, 5.0, None], ids=lambda moment: moment or "when it is up")
def test_ctrl_c_at_any_moment_of_the_start_leaves_nothing_running(
    own: Platform, moment: float | None
) -> None:
    starting = subprocess.Popen(
        [SEATRIAL, "up"], env=own.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if moment is None:
        eventually(lambda: own.run("status").returncode == 0, what="it is up")
    else:
        time.sleep(moment)
    starting.send_signal(signal.SIGINT)
    out, _ = starting.communicate(timeout=60)
    assert starting.returncode in {0, 130, -signal.SIGINT}, out
    assert "Traceback" not in out
    assert processes(own) == []


def test_a_start_that_was_interrupted_is_begun_again(own: Platform) -> None:
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
    _, err = detached.communicate(timeout=60)
    assert detached.returncode == 130, err
    assert "Start it again: seatrial up" in err
    assert processes(own) == []
    own.up()
    again = own.run("up")
    assert again.returncode == 0
    assert "already runs" in again.stdout


def test_a_taken_port_is_named_and_nothing_is_left_running(own: Platform) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", own.ingress))
        taken.listen()
        done = own.run("up", "--detach")
    assert done.returncode == 2
    assert str(own.ingress) in done.stderr
    assert f"pid {os.getpid()}" in done.stderr
    assert "--ingress-port" in done.stderr
    assert processes(own) == []


def test_a_purge_after_the_supervisor_was_killed_leaves_nothing(own: Platform, home: Path) -> None:
    own.up()
    own.json("preview", str(static(home / "wreck")), "--branch", "feature")
    agent = own.agent_id()
    own.supervisor().kill()
    done = own.run("down", "--purge")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not own.directory.exists()
    assert processes(own) == []
    eventually(lambda: not _labelled(agent), seconds=10, what="nothing carries the agent's label")


def _labelled(agent: str) -> list[str]:
    from e2e.platform import leftovers

    return [id for ids in leftovers(agent).values() for id in ids]


def test_down_and_purge_of_nothing_are_no_mistake(own: Platform) -> None:
    for words in (("down",), ("down", "--purge"), ("down", "--purge")):
        done = own.run(*words)
        assert done.returncode == 0, done.stderr
        assert "not running" in done.stdout
