"""The file that Traefik watches: whole at any moment, and nothing else that it reads is left beside it."""

from pathlib import Path

import pytest

from seatrial.control.worker.routes_file import RoutesFile


@pytest.fixture
def file(tmp_path: Path) -> RoutesFile:
    return RoutesFile(tmp_path / "routes" / "routes.yml")


def write(file: RoutesFile, text: str) -> bool:
    with file.alone():
        return file.write(text)


def test_a_kill_between_writing_and_replacing_leaves_the_old_and_nothing_for_long(
    file: RoutesFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert write(file, "one")
    assert not write(file, "one")

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    for worker in (11, 12):  # two lives of the worker
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr("os.getpid", lambda worker=worker: worker)
            patch.setattr(Path, "replace", killed)
            write(RoutesFile(file.path), "two")
    assert file.path.read_text() == "one"
    folders, files = [], []
    for path in file.path.parent.rglob("*"):
        (folders if path.is_dir() else files).append(path.name)
    assert folders == [".next"] and sorted(files) == ["routes.yml", "routes.yml.part"]
    assert write(file, "two")
    assert [path.name for path in file.path.parent.rglob("*") if path.is_file()] == ["routes.yml"]


@pytest.mark.parametrize(
    "meddle", [Path.unlink, lambda path: path.write_text("mine"), lambda path: path.write_text("")]
)
def test_a_lost_or_edited_file_is_written_again(file: RoutesFile, meddle) -> None:
    write(file, "one")
    meddle(file.path)
    assert write(file, "one")
    assert file.path.read_text() == "one"


def test_what_another_worker_wrote_already_is_left_as_it_is(file: RoutesFile) -> None:
    write(file, "one")
    inode = file.path.stat().st_ino
    other = RoutesFile(file.path)
    assert not write(other, "one") and not write(other, "one")
    assert file.path.stat().st_ino == inode
