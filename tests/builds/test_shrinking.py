"""Layers of builds are kept to a budget: what was not built in for longest goes first, and never what is being built in."""

import asyncio
import json
from pathlib import Path

import pytest

from seatrial.agent.builds.layers import USES, Layers
from seatrial.agent.builds.weighing import held_below
from seatrial.agent.vocabulary.shares import Share


def scope(layers: Layers, name: str, used: float) -> None:
    folder = layers.data / "scopes" / name
    folder.mkdir(parents=True)
    (folder / USES).write_text(json.dumps({"sha256:base": used - 50, "": used}))


async def shrink(layers: Layers, keep: int) -> int:
    async def over() -> bool:
        return len(layers.scopes()) > keep

    async def remove(name: str) -> None:
        await asyncio.sleep(0)
        for file in (layers.data / "scopes" / name).iterdir():
            file.unlink()
        (layers.data / "scopes" / name).rmdir()

    return await layers.shrink(over, remove)


async def test_the_longest_unused_goes_first_and_what_is_built_in_stays(tmp_path: Path) -> None:
    layers = Layers(tmp_path)
    for name, used in (("a", 300), ("b", 100), ("c", 200), ("d", 400)):
        scope(layers, name, used)
    async with layers.used("b"):
        assert await shrink(layers, 2) == 2
        assert layers.scopes() == ["b", "d"]
        assert await shrink(layers, 0) == 1
        assert layers.scopes() == ["b"], "though it is too much"
    assert await shrink(layers, 0) == 1


async def test_a_build_that_begins_meanwhile_waits_and_finds_its_scope_or_none(tmp_path: Path) -> None:
    layers = Layers(tmp_path)
    for name in "abc":
        scope(layers, name, 1)
    found = []

    async def build(name: str) -> None:
        async with layers.used(name):
            before = name in layers.scopes()
            await asyncio.sleep(0)
            found.append(before == (name in layers.scopes()))

    await asyncio.gather(*map(build, "ab"), shrink(layers, 0), *map(build, "bc"))
    assert found == [True] * 4


def test_a_folder_is_weighed_with_all_below_and_links_once(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/file").write_bytes(b"x" * 10_000)
    (tmp_path / "again").hardlink_to(tmp_path / "deep/file")
    (tmp_path / "out").symlink_to("/")
    assert 8_000 < held_below(tmp_path) < 30_000
    assert held_below(tmp_path / "missing") == 0


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("0", Share()),
        ("20g", Share(megabytes=20_480)),
        ("20%", Share(percent=20)),
        ("100 %", Share(percent=100)),
    ],
)
def test_a_part_of_a_disk_is_a_size_or_percent(text: str, share: Share, tmp_path: Path) -> None:
    assert Share.of(text) == share
    assert (share.bytes_of(tmp_path) == 0) is (text == "0")


@pytest.mark.parametrize("text", ["", "20", "101%", "0%", "-1g", "much", "5.5%"])
def test_anything_else_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="Write it like 20g or 20%, or 0 for no limit"):
        Share.of(text)
