"""What an agent says of its host, so that people look at the right one."""

from pathlib import Path

from seatrial.agent.heartbeat.beat import full


def test_a_disk_on_which_nothing_is_built_is_a_warning_with_its_fix(tmp_path: Path) -> None:
    assert full(tmp_path, 0) == []
    (warning,) = full(tmp_path, 10**9)
    assert "nothing is built" in warning and str(tmp_path) in warning and "GALLEY_MIN_FREE_MB" in warning
