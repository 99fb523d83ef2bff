"""A supervisor that is killed takes its whole platform along, also what does not hear of its death."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from seatrial.embedded import lifeline, locking
from seatrial.embedded.components.postgres import from_wheel
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.processes import Record, Records
from seatrial.embedded.supervisor import Supervisor
from tests.embedded.test_processes import has_ended
from tests.waiting import eventually

SUPERVISOR = """
import asyncio, os, sys
from pathlib import Path
from seatrial.embedded.components import lifeline
from seatrial.embedded.components.base import Component, at_once
from seatrial.embedded.components.postgres import from_wheel
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.locking import only_one
from seatrial.embedded.processes import ChildProgram, Records
from seatrial.embedded.supervisor import Supervisor

data = DataDirectory(Path(sys.argv[1]))
codes = dict(word.split("=", 1) for word in sys.argv[2:])

async def main():
    supervisor = Supervisor(Records(data.run), data.logs, print)
    await supervisor.start(lifeline.component(data))
    for name, code in codes.items():
        if name == "postgres":
            postgres = from_wheel(data.postgres)
            postgres.prepare()
            await supervisor.start(postgres.component())
        else:
            program = ChildProgram(name, [sys.executable, "-c", code], dict(os.environ))
            await supervisor.start(Component(program, at_once, name))
    await asyncio.sleep(600)

with only_one(data):
    asyncio.run(main())
"""
# It drops the wish to hear of its parent's death, and ignores being told to end.
DEAF = (
    "import ctypes, signal, time; ctypes.CDLL(None).prctl(1, 0); "
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('set', flush=True); time.sleep(600)"
)


class Killed:
    """A supervisor of `programs`, to be killed."""

    def __init__(self, data: DataDirectory, programs: dict[str, str]) -> None:
        self.data = data
        words = [f"{name}={code}" for name, code in programs.items()]
        self.process = subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(data.root), *words])
        names = {"lifeline", *programs}
        self.records: dict[str, Record] = eventually(lambda: self._all(names), what="everything runs")

    def _all(self, names: set[str]) -> dict[str, Record]:
        records = {record.name: record for record in Records(self.data.run).all() if record.find()}
        return records if names <= records.keys() else {}

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def nothing_is_left(self) -> bool:
        return all(has_ended(record.pid) for record in self.records.values())

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for record in self.records.values():
            if process := record.find():
                process.kill()


@pytest.fixture
def killed(data: DataDirectory) -> Iterator[type[Killed]]:
    made: list[Killed] = []

    class Kept(Killed):
        def __init__(self, data: DataDirectory, programs: dict[str, str]) -> None:
            super().__init__(data, programs)
            made.append(self)

    yield Kept
    for one in made:
        one.end()


def stopped(pid: int) -> None:
    """Stop it, and wait until it is: a signal that comes before that, as when its parent dies, is obeyed first."""
    process = psutil.Process(pid)
    process.send_signal(signal.SIGSTOP)
    eventually(lambda: process.status() == psutil.STATUS_STOPPED, what="it is stopped")


@pytest.mark.slow
def test_what_does_not_hear_of_the_supervisors_death_ends_with_it(
    data: DataDirectory, killed: type[Killed]
) -> None:
    platform = killed(data, {"deaf": DEAF, "bus": "import time; time.sleep(600)"})
    eventually(lambda: "set" in (data.logs / "deaf.log").read_text())
    stopped(platform.records["bus"].pid)
    platform.kill()
    eventually(platform.nothing_is_left, what="nothing of it runs")
    assert "ended with it: bus, deaf" in (data.logs / "lifeline.log").read_text()


@pytest.mark.postgres
async def test_a_database_ends_cleanly_and_its_data_is_there_for_the_next_start(
    data: DataDirectory, killed: type[Killed], supervisor: Supervisor
) -> None:
    platform = killed(data, {"postgres": ""})
    postgres = from_wheel(data.postgres)
    reach = f"host={postgres.environment()['DB_HOST']} user=postgres dbname=postgres"
    connection = eventually(lambda: psycopg.connect(reach), not_yet=(psycopg.Error,))
    connection.execute("create table boats (name text)")
    connection.execute("insert into boats values ('Gannet')")
    connection.commit()
    stopped(platform.records["postgres"].pid)
    platform.kill()
    eventually(platform.nothing_is_left, what="nothing of it runs, although a client is there")
    connection.close()
    await supervisor.start(postgres.component())
    with psycopg.connect(reach) as again:
        assert again.execute("select name from boats").fetchone() == ("Gannet",)
    assert "not properly shut down" not in (data.logs / "postgres.log").read_text()


def test_a_lifeline_leaves_alone_what_the_next_supervisor_has_started(data: DataDirectory) -> None:
    child = subprocess.Popen(["sleep", "600"])
    try:
        Records(data.run).write("web", child.pid)
        with locking.only_one(data):
            assert lifeline.end_platform(data) == []
        assert child.poll() is None
        assert lifeline.end_platform(data) == ["web"], "nobody holds it now"
    finally:
        child.kill()
        child.wait()


def test_a_supervisor_that_died_first_is_not_waited_for(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    lifeline.wait_for_death(gone.pid)
    lifeline.wait_for_death(os.getpid())  # alive, and not our parent
