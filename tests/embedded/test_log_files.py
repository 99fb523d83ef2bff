"""Logs stay bounded while their writers go on."""

import asyncio
from pathlib import Path

import pytest

from seatrial.embedded import log_files
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.log_files import keep_bounded, older, trim
from seatrial.embedded.supervisor import Supervisor
from tests.embedded.test_supervisor import python, until


def numbered(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().splitlines() if line.isdigit()]


def test_a_small_log_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("short\n")
    assert not trim(log, max_bytes=100)
    assert log.read_text() == "short\n" and not older(log).exists()


def test_of_a_runaway_log_only_the_end_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    older(log).write_text("from last week\n")
    log.write_text("".join(f"{number:06}\n" for number in range(100_000)))
    assert trim(log, max_bytes=7_000)
    assert log.read_text() == ""
    assert numbered(older(log)) == list(range(99_001, 100_000)), "whole lines, the newest, and nothing older"
    assert {path.name for path in tmp_path.iterdir()} == {"web.log", "web.log.1"}


@pytest.mark.slow
async def test_a_component_that_never_stops_talking_fills_no_disk(
    supervisor: Supervisor, data: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "EVERY_SECONDS", 0.05)
    monkeypatch.setattr(log_files.trim_all, "__kwdefaults__", {"max_bytes": 20_000})
    code = (
        "import itertools, time\nfor n in itertools.count(): print(n, flush=True); n % 50 or time.sleep(.001)"
    )
    keeping = asyncio.create_task(keep_bounded(data.logs))
    await supervisor.start(python("talker", code))
    log = supervisor.log_of("talker")
    await until(lambda: older(log).exists())
    first = numbered(older(log))[-1]
    await until(lambda: numbered(older(log))[-1] > first + 50_000, seconds=120)
    assert older(log).stat().st_size <= 20_000
    at_the_end = numbered(log)
    await until(lambda: numbered(log) != at_the_end)
    assert b"\0" not in log.read_bytes(), "the writer goes on at the new end, not where it was"
    await supervisor.stop()
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
