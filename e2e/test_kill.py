"""kill -9 of any process, or of all: the supervisor restarts them and the state converges."""

import re
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from e2e.platform import SEATRIAL, Platform, eventually, leftovers
from e2e.repositories import commit, static

pytestmark = pytest.mark.e2e

COMPONENTS = ("web", "worker", "bus", "agent", "traefik")
CAMPAIGN = pytest.mark.campaign
# Slow enough that a kill lands in the middle of the build, unless the machine is very busy.
SLOWLY = 'RUN ["/bin/busybox", "sleep", "9"]\nEXPOSE'


@dataclass
class Survivor:
    """One preview that survives all kills; it serves `text`."""

    platform: Platform
    path: Path
    environment: str
    url: str
    text: str = "version one"

    def answers(self) -> bool:
        """Whether a visitor gets `text`."""
        answer = self.platform.fetch(self.url)
        return answer.status_code == 200 and answer.text == self.text


@pytest.fixture(scope="module")
def survivor(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Survivor:
    """The preview. The last test closes it."""
    path = static(tmp_path_factory.mktemp("kill") / "survivor")
    dockerfile = path / "Dockerfile"
    commit(path, {"Dockerfile": dockerfile.read_text().replace("EXPOSE", SLOWLY)})
    environment = platform.json("preview", str(path), "--branch", "feature")
    return Survivor(platform, path, environment["id"], environment["urls"]["web"])


def test_the_death_of_a_process_is_logged_with_the_time(platform: Platform) -> None:
    log = platform.directory / "logs" / "supervisor.log"
    before = log.read_text()
    first = platform.process("traefik")
    first.kill()
    line = eventually(lambda: log.read_text().removeprefix(before).strip(), what="the supervisor says so")
    expected = r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC Traefik was killed by signal 9; starting it again"
    match = re.fullmatch(expected, line)
    assert match, line
    assert abs(datetime.fromisoformat(f"{match[1]}+00:00").timestamp() - log.stat().st_mtime) < 60
    eventually(lambda: platform.process("traefik") != first, what="it runs again")


@pytest.mark.parametrize(
    "dying",
    [COMPONENTS, *(pytest.param([component], marks=CAMPAIGN) for component in COMPONENTS)],
    ids=["all", *COMPONENTS],
)
def test_a_deployment_survives_the_death_of(
    platform: Platform, survivor: Survivor, dying: Sequence[str]
) -> None:
    survivor.text = f"what was built while {', '.join(dying)} died"
    head = commit(survivor.path, {"www/index.html": survivor.text})
    moving = subprocess.Popen(
        [SEATRIAL, "preview", str(survivor.path), "--branch", "feature"],
        env=platform.environ,
        stdout=subprocess.DEVNULL,
    )
    eventually(
        lambda: platform.building(head) or survivor.answers(),
        what="it is being built, or has just been built",
    )
    for component in dying:
        platform.process(component).kill()
    eventually(survivor.answers, what=f"the new version is served after {', '.join(dying)} died")
    eventually(
        lambda: next(e for e in platform.environments() if e["commit"] == head and e["state"] == "running"),
        what="the status says so",
    )
    moving.wait(timeout=900)


@CAMPAIGN  # as an operator types it: test_operations
def test_a_stopped_platform_comes_back_with_its_previews(platform: Platform, survivor: Survivor) -> None:
    assert platform.run("down").returncode == 0
    assert platform.processes() == []
    platform.up()
    eventually(survivor.answers, what="the preview answers again")


@pytest.mark.parametrize(
    "sign",
    [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=CAMPAIGN)],  # `down` sends it, too
    ids=["kill -9", "terminate"],
)
def test_the_death_of_the_supervisor_leaves_nothing_in_the_way(
    platform: Platform, survivor: Survivor, sign: signal.Signals
) -> None:
    supervisor = platform.supervisor()
    supervisor.send_signal(sign)
    eventually(lambda: not supervisor.is_running() or supervisor.status() == "zombie", what="it is dead")
    eventually(lambda: platform.processes() == [], what="nothing of it runs on")
    platform.up()
    eventually(survivor.answers, what="the preview answers again")


def test_closing_while_the_agent_is_dead_still_removes_everything(
    platform: Platform, survivor: Survivor
) -> None:
    assert leftovers(platform.agent_id(), environment=survivor.environment)
    platform.process("agent").kill()
    platform.run("close", str(survivor.path), "--branch", "feature")
    eventually(
        lambda: not leftovers(platform.agent_id(), environment=survivor.environment),
        what="nothing is left of all that was killed",
    )
