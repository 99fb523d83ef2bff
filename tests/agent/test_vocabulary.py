"""Practices of all rooms: calls that run to completion, and files that are replaced atomically."""

import asyncio
import stat
from pathlib import Path

import pytest

from seatrial import files
from seatrial.agent.vocabulary.whole import whole


async def test_cancelled_twice_it_still_ends_first() -> None:
    answers, began = asyncio.Event(), asyncio.Event()
    made: list[str] = []

    @whole
    async def make() -> None:
        began.set()
        await answers.wait()
        made.append("network")

    making = asyncio.create_task(make())
    await began.wait()
    for _ in range(3):
        making.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert not making.done()
    answers.set()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert made == ["network"]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "identity"
    files.replace(file, "old", mode=0o600)
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("old", 0o600)
    with file.open() as reading:
        files.replace(file, b"new", mode=0o640, lasting=True)
        assert reading.read() == "old"
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("new", 0o640)
    with pytest.raises(UnicodeEncodeError):
        files.replace(file, "\udcff")
    assert [path.name for path in tmp_path.iterdir()] == ["identity"] and file.read_text() == "new"


def test_a_link_in_its_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "shadow").write_text("kept")
    (tmp_path / "layer").symlink_to("shadow")
    files.replace(tmp_path / "layer", b"")
    assert (tmp_path / "shadow").read_text() == "kept" and not (tmp_path / "layer").is_symlink()
