"""On a disk that is really full, running processes keep running, and a start is refused with the fix."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from seatrial.embedded import lifecycle
from seatrial.embedded.errors import CannotRun
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.preflight import Choices
from seatrial.embedded.processes import Records
from seatrial.embedded.supervisor import Supervisor
from tests.embedded.test_lifecycle import quiet, start
from tests.embedded.test_supervisor import sleeper, until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[DataDirectory]:
    """A data directory on a disk of a megabyte."""
    mount = tmp_path / "small"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)], check=True)
    data = DataDirectory(mount / "data")
    data.create()
    yield data
    subprocess.run(["umount", "-l", str(mount)], check=True)


def fill(data: DataDirectory) -> None:
    with (data.root.parent / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def sleepers() -> set[int]:
    """Our children that sleep, and are not just gone."""
    running = set()
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if "time.sleep(600)" in " ".join(child.cmdline()):
                running.add(child.pid)
    return running


async def test_on_a_full_disk_components_are_still_started_again_and_stopped(small: DataDirectory) -> None:
    said = lifecycle._Said(quiet, small.logs / "supervisor.log")
    supervisor = Supervisor(Records(small.run), small.logs, said.say)
    await supervisor.start(sleeper())
    await until(lambda: Records(small.run).read("sleeper"))
    first = Records(small.run).read("sleeper")
    assert first
    fill(small)
    os.kill(first.pid, signal.SIGKILL)
    await until(lambda: sleepers() - {first.pid})
    async with asyncio.timeout(60):
        await supervisor.stop()
    assert not sleepers()


def test_a_start_on_a_full_disk_says_so(small: DataDirectory) -> None:
    fill(small)
    for begin in (start, lambda data: lifecycle.run(data, Choices(), os.environ, quiet)):
        with pytest.raises(CannotRun, match=r"has 0 MB free") as problem:
            begin(small)
        assert "Free some space" in problem.value.fix


def test_a_full_disk_can_be_purged(small: DataDirectory) -> None:
    (small.run / "supervisor.lock").touch()
    fill(small)
    assert "nothing is left" in lifecycle.stop(small, {}, quiet, purge=True)
    assert not small.root.exists()
