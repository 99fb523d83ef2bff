"""The file that Traefik watches: whole at any moment, and nothing else is left beside it."""

import json
from pathlib import Path

import pytest

from seatrial.control.worker.routes import write


def test_a_kill_between_writing_and_replacing_leaves_the_old_and_nothing_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "routes" / "routes.yml"
    assert write(file, {"http": 1})
    assert not write(file, {"http": 1})

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    for worker in (11, 12):  # two lives of the worker
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr("os.getpid", lambda worker=worker: worker)
            patch.setattr(Path, "replace", killed)
            write(file, {"http": 2})
    assert json.loads(file.read_text()) == {"http": 1}
    assert len([path for path in file.parent.iterdir() if path != file]) == 1
    assert write(file, {"http": 2})
    assert [path.name for path in file.parent.iterdir()] == ["routes.yml"]
