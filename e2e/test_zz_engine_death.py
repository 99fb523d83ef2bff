"""kill -9 of dockerd itself. It runs last (hence the name), because every other test uses the engine too."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from e2e.platform import SEATRIAL, Platform, eventually, leftovers
from e2e.repositories import commit, static
from seatrial.embedded.engine import daemon, detect
from tests.engines import missing

pytestmark = pytest.mark.e2e


@pytest.fixture
def dockerd() -> int:
    """The pid of an engine that scripts/engine set up on this machine, and that may be killed for a test."""
    if os.geteuid() != 0 or not daemon.is_ours():
        missing("the death of dockerd is only tested as root, and on an engine that scripts/engine set up")
    return int((daemon.RUN / "docker.pid").read_text())


def test_previews_and_checks_survive_the_death_of_the_engine(
    dockerd: int, platform: Platform, home: Path
) -> None:
    path = static(home / "lighthouse")
    environment = platform.json("preview", str(path), "--branch", "feature")
    url = environment["urls"]["web"]
    dockerfile = (
        (path / "Dockerfile").read_text().replace("EXPOSE", 'RUN ["/bin/busybox", "sleep", "9"]\nEXPOSE')
    )
    head = commit(path, {"Dockerfile": dockerfile, "www/index.html": "version two"})
    moving = subprocess.Popen(
        [SEATRIAL, "preview", str(path), "--branch", "feature"],
        env=platform.environ,
        stdout=subprocess.DEVNULL,
    )
    eventually(
        lambda: platform.building(head) or platform.fetch(url).text == "version two",
        what="it is being built, or has just been built",
    )
    os.kill(dockerd, signal.SIGKILL)
    eventually(lambda: detect.ask({}).answers, what="the engine answers again")
    eventually(lambda: platform.fetch(url).text == "version two", what="version two is served")
    moving.wait(timeout=900)

    head = commit(path, {"www/index.html": "version three"})
    assert platform.json("preview", str(path), "--branch", "feature")["commit"] == head
    assert platform.fetch(url).text == "version three"
    platform.run("close", str(path), "--branch", "feature")
    eventually(
        lambda: not leftovers(platform.agent_id(), environment=environment["id"]),
        what="nothing is left",
    )

    evaluation = platform.json("check", str(static(home / "beacon")), "--branch", "feature")
    assert evaluation["isolation"] == "runsc"
    assert evaluation["state"] in {"passed", "failed"}, "decided, and not errored"
