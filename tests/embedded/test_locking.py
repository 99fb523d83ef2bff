"""One supervisor per data directory."""

import pytest

from seatrial.embedded import locking
from seatrial.embedded.layout import DataDirectory


def test_a_second_supervisor_is_turned_away(data: DataDirectory) -> None:
    with locking.only_one(data):
        assert locking.running(data)
        with pytest.raises(locking.AlreadyRuns), locking.only_one(data):
            pass
    assert locking.running(data) is None
    with locking.only_one(data):
        pass


def test_nothing_runs_in_a_directory_that_is_not_there(tmp_path: object) -> None:
    assert locking.running(DataDirectory(tmp_path / "none")) is None  # type: ignore[operator]
