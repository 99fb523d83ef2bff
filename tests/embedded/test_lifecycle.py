"""Start and stop do not disturb each other; problems with disks and folders are reported with their fix."""

import os
from pathlib import Path

import psutil
import pytest

from seatrial.embedded import lifecycle, locking
from seatrial.embedded.errors import CannotRun, EmbeddedError
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.preflight import Choices
from seatrial.embedded.progress import Event, to_pipe
from seatrial.embedded.typed import typed


def quiet(event: Event) -> None:
    """Nobody listens."""


def start(data: DataDirectory) -> None:
    lifecycle.start_detached(data, Choices(), dict(os.environ), quiet)


@pytest.mark.parametrize("purge", [False, True], ids=["down", "purge"])
def test_nothing_is_taken_from_under_a_start(
    data: DataDirectory, monkeypatch: pytest.MonkeyPatch, purge: bool
) -> None:
    with locking.held(data), pytest.raises(CannotRun, match="another command") as problem:
        lifecycle.stop(data, {}, quiet, purge=purge)
    assert problem.value.fix == f"Then again: {typed('down')}"
    assert data.root.exists()


def test_nothing_starts_in_what_is_being_taken_away(
    data: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def purge(*_: object) -> None:
        with pytest.raises(locking.AlreadyRuns), locking.only_one(data):
            pass
        seen.append("held")

    monkeypatch.setattr(lifecycle, "_purge", purge)
    lifecycle.stop(data, {}, quiet, purge=True)
    assert seen == ["held"]


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (Event(kind="already_runs", text="seatrial already runs."), locking.AlreadyRuns),
        (Event(kind="failed", text="already"), EmbeddedError),
    ],
)
def test_what_a_supervisor_failed_with_is_told_by_the_kind_of_its_event(
    event: Event, kind: type[EmbeddedError]
) -> None:
    reading, writing = os.pipe()
    to_pipe(writing)(event)
    os.close(writing)
    with pytest.raises(EmbeddedError) as problem:
        lifecycle._relay(reading, quiet)
    assert type(problem.value) is kind and str(problem.value) == event.text


def test_down_makes_nothing_where_nothing_was(tmp_path: Path) -> None:
    assert "not running" in lifecycle.stop(DataDirectory(tmp_path), {}, quiet, purge=False)
    assert list(tmp_path.iterdir()) == []


def test_a_relative_data_directory_is_the_callers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEATRIAL_DATA_DIR", "harbour")
    data = DataDirectory.from_environment(os.environ)
    data.create()
    with locking.only_one(data), pytest.raises(locking.AlreadyRuns):
        start(data)
    assert data.root == tmp_path / "harbour"


def test_both_kinds_of_start_name_a_file_in_the_way_and_its_fix(data: DataDirectory) -> None:
    lock = data.run / "supervisor.lock"
    lock.mkdir()
    with pytest.raises(CannotRun, match="Is a directory") as problem:
        lifecycle.run(data, Choices(), os.environ, quiet)
    assert str(lock) in str(problem.value)
    with pytest.raises(EmbeddedError, match="Is a directory") as detached:
        start(data)
    assert "SEATRIAL_DATA_DIR" in problem.value.fix == detached.value.fix
    commands = [
        " ".join(child.as_dict(["cmdline"])["cmdline"] or []) for child in psutil.Process().children()
    ]
    assert not [command for command in commands if "seatrial.embedded" in command], "it has ended"
