"""kill -9 of dockerd itself. Last of all (hence the name): every other test shares the engine."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from e2e.platform import SEATRIAL, Platform, eventually, leftovers
from e2e.repositories import commit, static
from seatrial.embedded.engine import daemon, detect

pytestmark = pytest.mark.e2e


@pytest.fixture
def engine_of_ours() -> None:
    """An engine that the supervisor may start again; where another init does, that one is tested."""
    if not daemon.is_ours() and not daemon.systemd_runs():
        pytest.skip(
            "dockerd was started by somebody else, who would have to start it again: run scripts/engine first"
        )


def test_previews_survive_the_death_of_the_engine(
    engine_of_ours: None, platform: Platform, home: Path
) -> None:
    path = static(home / "lighthouse")
    environment = platform.json("preview", str(path), "--branch", "feature")
    url = environment["urls"]["web"]
    dockerfile = (
        (path / "Dockerfile").read_text().replace("EXPOSE", 'RUN ["/bin/busybox", "sleep", "3"]\nEXPOSE')
    )
    commit(path, {"Dockerfile": dockerfile, "www/index.html": "version two"})
    moving = subprocess.Popen(
        [SEATRIAL, "preview", str(path), "--branch", "feature"],
        env=platform.environ,
        stdout=subprocess.DEVNULL,
    )
    time.sleep(2)
    for pid in daemon.pids():
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: detect.ask({}).answers, seconds=90, what="the engine answers again")
    eventually(lambda: platform.fetch(url).text == "version two", seconds=120, what="version two is served")
    moving.wait(timeout=120)

    head = commit(path, {"www/index.html": "version three"})
    assert platform.json("preview", str(path), "--branch", "feature")["commit"] == head
    assert platform.fetch(url).text == "version three"
    platform.run("close", str(path), "--branch", "feature")
    eventually(
        lambda: not leftovers(platform.agent_id(), environment=environment["id"]),
        seconds=60,
        what="nothing is left",
    )


def test_a_check_works_after_the_engine_came_back(
    engine_of_ours: None, platform: Platform, home: Path
) -> None:
    path = static(home / "beacon")
    evaluation = platform.json("check", str(path), "--branch", "feature")
    assert evaluation["isolation"] == "runsc"
    assert {result["state"] for result in evaluation["results"]} <= {"passed", "failed", "skipped"}
