"""A deployment meets kill -9 of any process at any moment. Only for campaigns: `e2e/test_kill.py` is the short part in CI.

Which process dies at which moment comes from the seed alone, and is printed: `--campaign-seed=n` repeats it.
"""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.faults import Fault, Visitor, orphans, routed, unfinished, wait_for
from e2e.platform import SEATRIAL, Platform, eventually, leftovers
from e2e.repositories import commit, static

pytestmark = [pytest.mark.e2e, pytest.mark.campaign, pytest.mark.timeout(3_600)]

FAULTS = 10  # of one seed
# Slow enough that a fault meets it wherever it is meant to.
SLOW_BUILD = ("EXPOSE", 'RUN ["/bin/busybox", "sleep", "1"]\nEXPOSE')
SLOW_START = (
    'CMD ["/bin/busybox", "httpd",',
    'CMD ["/bin/busybox", "sh", "-c", "sleep 1; exec /bin/busybox httpd $0 $@",',
)


@pytest.fixture
def path(home: Path) -> Path:
    """A repository with one slow service."""
    path = static(home / "buoy", "version 0")
    dockerfile = (path / "Dockerfile").read_text().replace(*SLOW_BUILD).replace(*SLOW_START)
    commit(path, {"Dockerfile": dockerfile})
    return path


def test_whatever_dies_at_any_moment_of_a_deployment(
    platform: Platform, path: Path, chance: random.Random, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = platform.json("preview", str(path), "--branch", "feature")
    url, name = environment["urls"]["web"], environment["name"]
    eventually(lambda: platform.fetch(url).text == "version 0", what="version 0 is served")
    for number in range(1, FAULTS + 1):
        fault, text = Fault.drawn(chance), f"version {number}"
        with capsys.disabled():
            sys.stdout.write(f"fault {number}: {fault}\n")
        visitor = Visitor(platform, url, {f"version {number - 1}", text})
        with visitor.visiting():
            survive(platform, path, fault, url, text)
        assert visitor.asked
        assert fault.ends_containers or not visitor.failed, f"{fault}: {visitor.failed[:3]}"
        settle(platform, environment["id"], str(fault))
    close(platform, path, environment["id"], Fault.drawn(chance))
    assert not routed(platform, f"{name}."), "its route is gone"
    assert platform.fetch(url).status_code == 404


def survive(platform: Platform, path: Path, fault: Fault, url: str, text: str) -> None:
    """A new version is deployed and served, whatever dies."""
    head = commit(path, {"www/index.html": text})
    moving = subprocess.Popen(
        [SEATRIAL, "preview", str(path), "--branch", "feature"],
        env=platform.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_for(platform, head, fault.moment)
    fault.happen(platform)
    moving.wait(timeout=600)
    if moving.returncode:  # it could not even ask: whoever typed it types it again
        eventually(
            lambda: platform.run("preview", str(path), "--branch", "feature").returncode == 0,
            what=f"{fault}: asked",
        )
    eventually(lambda: platform.fetch(url).text == text, what=f"{fault}: {text} is served")


def settle(platform: Platform, environment: str, fault: str) -> None:
    """Nothing is under way, and nothing is there but what is live."""

    def settled() -> bool:
        [one] = [one for one in platform.environments() if one["id"] == environment]
        assert (one["state"], unfinished(platform)) == ("running", [])
        left = orphans(platform.agent_id(), one["deployment"]["id"])
        assert not left, left
        return True

    eventually(settled, what=f"{fault}: it has settled")


def close(platform: Platform, path: Path, environment: str, fault: Fault) -> None:
    """It is closed while something dies, and nothing is left of it."""
    closing = subprocess.Popen(
        [SEATRIAL, "close", str(path), "--branch", "feature"],
        env=platform.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    fault.happen(platform)
    if closing.wait(timeout=600):
        eventually(
            lambda: platform.run("close", str(path), "--branch", "feature").returncode == 0,
            what="it is closed",
        )
    eventually(lambda: not leftovers(platform.agent_id(), environment=environment), what="nothing is left")
    eventually(lambda: not unfinished(platform), what="every deployment is over")
