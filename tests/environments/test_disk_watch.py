"""What an environment holds on the disk: the files of its containers and its volumes together, told in steps."""

import os
from pathlib import Path

import pytest

from seatrial.agent.environments.disk import DiskWatch, use_of
from seatrial.agent.environments.large_files import largest_files
from seatrial.agent.vocabulary.disk import Disk, Holding
from tests.runtime.fake import FakeRuntime

MB = 1024**2


def watch(runtime: FakeRuntime, directory: Path, most_mb: int = 1000) -> DiskWatch:
    return DiskWatch(runtime, {}, directory, most_mb=most_mb)


def layer(mb: float, environment: str = "one") -> Holding:
    return Holding(environment, "web", "", int(mb * MB), container="c1")


async def test_layers_and_volumes_count_together_and_small_changes_are_no_news(tmp_path: Path) -> None:
    runtime = FakeRuntime()
    disks = watch(runtime, tmp_path)
    assert disks.of("one") is None
    runtime.disk_holds = Disk((layer(100), Holding("one", "db", "/data", 200 * MB), layer(5, "two")))
    assert sorted(await disks.look()) == ["one", "two"]
    use = disks.of("one")
    assert use is not None and (use.used_mb, use.most_mb, use.largest) == (300, 1000, [])
    runtime.disk_holds = Disk((layer(105), Holding("one", "db", "/data", 201 * MB)))
    assert await disks.look() == [], "and one that is gone is none either"
    assert disks.of("two") is None
    runtime.disk_holds = Disk((layer(110), Holding("one", "db", "/data", 201 * MB)))
    assert await disks.look() == ["one"]


async def test_without_a_limit_only_kinds_are_known(tmp_path: Path) -> None:
    runtime = FakeRuntime()
    disks = watch(runtime, tmp_path, most_mb=0)
    runtime.disk_holds = Disk((layer(100),), {"images": 7})
    assert await disks.look() == [] and disks.of("one") is None
    assert disks.kinds == {"images": 7}


def test_what_is_large_is_told_from_four_fifths_on(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/big.log").write_bytes(os.urandom(3 * MB))
    (tmp_path / "small").write_bytes(b"x")
    (tmp_path / "link").symlink_to("/")
    held = [Holding("one", "db", "/data", 850 * MB, folder=tmp_path), layer(2)]
    told = [(one.service, one.path, one.mb) for one in use_of(held, 1000).largest]
    assert told == [("db", "/data", 850), ("web", "", 2), ("db", "/data/deep/big.log", 3)]


def test_a_full_one_is_full_and_never_said_to_hold_less(tmp_path: Path) -> None:
    assert use_of([layer(999)], 1000).used_mb < 1000
    assert use_of([layer(1000)], 1000).used_mb == 1000


@pytest.mark.parametrize("what", ["missing", "file"])
def test_a_folder_that_cannot_be_read_has_no_large_files(tmp_path: Path, what: str) -> None:
    (tmp_path / "file").write_bytes(b"x")
    assert largest_files(tmp_path / what, 5) == []


def test_a_file_with_holes_holds_what_is_written(tmp_path: Path) -> None:
    with (tmp_path / "holes").open("wb") as file:
        file.truncate(10**12)
    assert largest_files(tmp_path, 5) == []
