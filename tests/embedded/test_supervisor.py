"""Components are started, watched, replaced when they die, and stopped in order."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from seatrial.embedded.components.base import Component, at_once
from seatrial.embedded.errors import ComponentFailed
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.processes import ChildProgram, Records, last_words
from seatrial.embedded.supervisor import Supervisor
from tests.embedded.test_processes import has_ended
from tests.waiting import until


def python(name: str, code: str, **more: object) -> Component:
    """A component that runs `code`."""
    program = ChildProgram(name=name, arguments=[sys.executable, "-c", code], environment=dict(os.environ))
    return Component(program=program, ready=more.pop("ready", at_once), what=name, **more)  # type: ignore[arg-type]


def sleeper(name: str = "sleeper") -> Component:
    return python(name, "import time; time.sleep(600)")


async def test_a_killed_component_is_started_again(
    supervisor: Supervisor, data: DataDirectory, said: list[str]
) -> None:
    records = Records(data.run)
    await supervisor.start(sleeper())
    await until(lambda: records.read("sleeper"))
    first = records.read("sleeper")
    assert first
    os.kill(first.pid, signal.SIGKILL)
    await until(lambda: (now := records.read("sleeper")) and now.pid != first.pid)
    assert "signal 9" in said[0]
    await supervisor.stop()


async def test_stopping_leaves_no_process_and_no_record(supervisor: Supervisor, data: DataDirectory) -> None:
    records = Records(data.run)
    await supervisor.start(sleeper("one"))
    await supervisor.start(sleeper("two"))
    await until(lambda: len(records.all()) == 2)
    kept = records.all()
    await supervisor.stop()
    assert [record for record in kept if record.find()] == []
    assert records.all() == []


async def test_a_component_that_ignores_sigterm_is_killed_with_its_children(
    supervisor: Supervisor, data: DataDirectory, tmp_path: Path
) -> None:
    marker = tmp_path / "child"
    code = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"child = subprocess.Popen(['sleep', '600'])\nopen({str(marker)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(600)"
    )
    stubborn = python("stubborn", code)
    program = ChildProgram(**{**stubborn.program.__dict__, "grace_seconds": 0.3})
    await supervisor.start(Component(program=program, ready=at_once, what="stubborn"))
    await until(lambda: marker.exists() and marker.read_text())
    child = int(marker.read_text())
    await supervisor.stop()
    await until(lambda: has_ended(child))


async def test_a_lost_record_keeps_nothing_running(supervisor: Supervisor, data: DataDirectory) -> None:
    await supervisor.start(sleeper())
    await until(lambda: Records(data.run).read("sleeper"))
    record = Records(data.run).read("sleeper")
    assert record
    Records(data.run).remove("sleeper")
    async with asyncio.timeout(60):
        await supervisor.stop()
    assert record.find() is None


async def test_a_component_that_never_becomes_ready_is_stopped_and_its_last_lines_are_shown(
    supervisor: Supervisor, data: DataDirectory
) -> None:
    async def never() -> str | None:
        await until(lambda: last_words(supervisor.log_of("late")) == ["cannot float"])
        return "the tide is out"

    component = python(
        "late",
        "print('cannot float', flush=True); import time; time.sleep(600)",
        ready=never,
        patience_seconds=0,
    )
    with pytest.raises(ComponentFailed, match="the tide is out") as failure:
        await supervisor.start(component)
    assert "cannot float" in str(failure.value)
    assert Records(data.run).all() == []


async def test_what_ends_at_once_is_not_waited_for_to_the_end(supervisor: Supervisor) -> None:
    async def never() -> str | None:
        return "not there"

    component = python("brief", "raise SystemExit('no sails')", ready=never, patience_seconds=3600)
    with pytest.raises(ComponentFailed, match=r"it ends as soon as it starts\.\s+no sails"):
        await supervisor.start(component)


async def test_a_failing_command_shows_the_error_and_no_traceback(supervisor: Supervisor) -> None:
    program = python("command", "raise ValueError('the anchor is stuck')").program
    with pytest.raises(ComponentFailed) as failure:
        await supervisor.run_once(program)
    assert "the anchor is stuck" in str(failure.value)
    assert "Traceback" not in str(failure.value)
    assert 'File "' not in str(failure.value)


async def test_a_program_that_is_not_there_is_named(supervisor: Supervisor) -> None:
    with pytest.raises(ComponentFailed, match="No such file"):
        await supervisor.run_once(ChildProgram(name="ghost", arguments=["/nonexistent/ghost"]))
