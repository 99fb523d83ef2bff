"""kill -9 of any one process: the supervisor restarts it and the state converges."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.platform import SEATRIAL, Platform, eventually, leftovers
from e2e.repositories import commit, static

pytestmark = pytest.mark.e2e

# Words that no path of a test's repository holds: those are on the command lines of what waits.
PROCESSES = {
    "web": ("uvicorn", "seatrial.control.asgi"),
    "worker": ("seatrial.control.worker",),
    "bus": ("nats-server",),
    "agent": ("galley-agent",),
    "traefik": ("traefik", "--configFile"),
}


def kill(platform: Platform, component: str) -> None:
    """kill -9 the component's process."""
    os.kill(platform.process(*PROCESSES[component]).pid, signal.SIGKILL)


@pytest.mark.parametrize("component", list(PROCESSES))
def test_a_deployment_survives_the_death_of(platform: Platform, home: Path, component: str) -> None:
    path = static(home / f"survivor-{component}")
    url = platform.json("preview", str(path), "--branch", "feature")["urls"]["web"]
    # Slow enough that the kill lands in the middle of the build.
    dockerfile = (
        (path / "Dockerfile").read_text().replace("EXPOSE", 'RUN ["/bin/busybox", "sleep", "3"]\nEXPOSE')
    )
    head = commit(path, {"Dockerfile": dockerfile, "www/index.html": "version two"})
    moving = subprocess.Popen(
        [SEATRIAL, "preview", str(path), "--branch", "feature"],
        env=platform.environ,
        stdout=subprocess.DEVNULL,
    )
    time.sleep(2)
    kill(platform, component)

    def moved() -> bool:
        answer = platform.fetch(url)
        return answer.status_code == 200 and answer.text == "version two"

    eventually(moved, seconds=120, what=f"version two is served after {component} died")
    environment = eventually(
        lambda: next(e for e in platform.environments() if e["commit"] == head and e["state"] == "running"),
        what="the status says so",
    )
    moving.wait(timeout=120)
    platform.run("close", str(path), "--branch", "feature")
    eventually(
        lambda: not leftovers(platform.agent_id(), environment=environment["id"]),
        seconds=90,
        what="nothing is left",
    )


def test_closing_while_the_agent_is_dead_still_removes_everything(platform: Platform, home: Path) -> None:
    path = static(home / "ghost")
    environment = platform.json("preview", str(path), "--branch", "feature")
    agent = platform.agent_id()
    kill(platform, "agent")
    platform.run("close", str(path), "--branch", "feature")
    eventually(
        lambda: not leftovers(agent, environment=environment["id"]), seconds=90, what="nothing is left"
    )


def test_a_stopped_platform_comes_back_with_its_previews(platform: Platform, home: Path) -> None:
    path = static(home / "anchor")
    url = platform.json("preview", str(path), "--branch", "feature")["urls"]["web"]
    assert platform.run("down").returncode == 0
    with pytest.raises(LookupError):
        platform.process(*PROCESSES["traefik"])
    platform.up()

    def answers() -> bool:
        return platform.fetch(url).text == "version one"

    eventually(answers, seconds=60, what="the preview answers again")
    platform.run("close", str(path), "--branch", "feature")


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM], ids=["kill -9", "terminate"])
def test_the_death_of_the_supervisor_leaves_nothing_in_the_way(
    platform: Platform, home: Path, sign: signal.Signals
) -> None:
    path = static(home / f"captain-{sign.value}")
    url = platform.json("preview", str(path), "--branch", "feature")["urls"]["web"]
    supervisor = platform.supervisor()
    supervisor.send_signal(sign)
    eventually(lambda: not supervisor.is_running() or supervisor.status() == "zombie", what="it is dead")
    platform.up()
    check: Callable[[], bool] = lambda: platform.fetch(url).text == "version one"  # noqa: E731
    eventually(check, seconds=60, what="the preview answers again")
    platform.run("close", str(path), "--branch", "feature")
