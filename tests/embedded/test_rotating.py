"""Keys in the data directory change places, and none is ever lost."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from seatrial import files
from seatrial.embedded import rotating, secrets
from seatrial.embedded.layout import DataDirectory


def test_the_former_key_stays_beside_the_new_one(data: DataDirectory) -> None:
    first = secrets.ensure(data)
    assert not rotating.has_former(data, data.master_key)
    rotating.replace(data, data.master_key, "22" * 32)
    rotating.replace(data, data.master_key, "33" * 32)
    assert secrets.ensure(data).master_key == "33" * 32
    former = data.former(data.master_key)
    assert former.read_text().strip().split(",") == ["22" * 32, first.master_key]
    assert stat.S_IMODE(former.stat().st_mode) == stat.S_IMODE(data.master_key.stat().st_mode) == 0o600
    assert rotating.has_former(data, data.master_key) and not rotating.has_former(data, data.secret_key)
    assert rotating.forget(data, data.master_key) == 2 and not rotating.has_former(data, data.master_key)


def test_a_crash_between_the_two_files_loses_neither(data: DataDirectory, monkeypatch) -> None:
    first = secrets.ensure(data)
    written = files.replace

    def dies(path, *given, **more) -> None:
        if path == data.master_key:
            raise OSError("no space")
        written(path, *given, **more)

    monkeypatch.setattr(files, "replace", dies)
    with pytest.raises(OSError, match="no space"):
        rotating.replace(data, data.master_key, "22" * 32)
    monkeypatch.undo()
    assert secrets.ensure(data) == first and not rotating.has_former(data, data.master_key)
    rotating.replace(data, data.master_key, "33" * 32)
    assert data.former(data.master_key).read_text().strip() == first.master_key


def test_two_at_once_forget_nothing(data: DataDirectory) -> None:
    first = secrets.ensure(data).master_key
    fresh = [f"{number:02}" * 32 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: rotating.replace(data, data.master_key, key), fresh))
    former = data.former(data.master_key).read_text().strip().split(",")
    assert {*former, data.master_key.read_text().strip()} == {first, *fresh}


def test_what_does_not_run_is_not_restarted(data: DataDirectory) -> None:
    rotating.restart(data, "web")
