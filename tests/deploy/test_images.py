"""What images are made from, and that they are the same when they are made again."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts.build_images import ENGINE
from scripts.images import context, stamps
from scripts.images.alone import alone
from scripts.images.context import CannotBuild
from seatrial import __version__
from seatrial.agent.engine import Engine
from tests.deploy.conftest import KEPT
from tests.repositories import commit, git, repository


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A commit with every file that images are made from."""
    path = repository(tmp_path / "checkout", {})
    git(path, "checkout", "-q", "-B", "main")
    files = {
        name if "." in name or name == "LICENSE" else f"{name}/file": "committed" for name in context.NEEDED
    }
    commit(path, {**files, "docs/page.md": "committed"})
    monkeypatch.setattr(context, "ROOT", path)
    return path


def test_uncommitted_changes_are_refused_by_name_and_marked_where_they_are_allowed(checkout: Path) -> None:
    clean = context.of_commit("1.2", dirty_too=False)
    assert (clean.tag, clean.commit) == ("1.2", git(checkout, "rev-parse", "HEAD"))
    assert clean.arguments == {"TAG": "1.2", "GIT_SHA": clean.commit, "RELEASE": __version__}

    (checkout / "docs/page.md").write_text("changed")  # in no image
    assert context.of_commit("1.2", dirty_too=False) == clean
    (checkout / "seatrial/file").write_text("changed")
    (checkout / "deploy/new").write_text("new")
    with pytest.raises(
        CannotBuild, match=r"uncommitted changes \(seatrial/file, deploy/new\).*ALLOW_DIRTY=1"
    ):
        context.of_commit("1.2", dirty_too=False)
    marked = context.of_commit("1.2", dirty_too=True)
    assert marked == replace(clean, tag="1.2-dirty", commit=f"{clean.commit}-dirty", dirty=True)


@pytest.mark.parametrize("tag", ["", "-x", "a b", "a/b", "a:b", "x" * 200])
def test_what_cannot_be_a_tag_is_refused(checkout: Path, tag: str) -> None:
    with pytest.raises(CannotBuild, match="cannot be a tag"):
        context.of_commit(tag, dirty_too=False)


def test_a_context_has_what_is_committed_or_with_changes_what_is_there(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "packages", lambda lock, kept: kept)
    monkeypatch.setattr(context, "wheel", lambda source, target: None)
    (kept := tmp_path / "kept").mkdir()
    (checkout / "seatrial/file").write_text("changed")
    (checkout / "deploy/new").write_text("new")
    (checkout / "LICENSE").unlink()
    clean = replace(context.of_commit("1", dirty_too=True), dirty=False)
    for source, wanted in (
        (clean, ("committed", False, True)),
        (replace(clean, dirty=True), ("changed", True, False)),
    ):
        (folder := tmp_path / f"context-{source.dirty}").mkdir()
        context.make(source, folder, kept)
        tree = folder / "source"
        found = (
            (tree / "seatrial/file").read_text(),
            (tree / "deploy/new").exists(),
            (tree / "LICENSE").exists(),
        )
        assert found == wanted
        assert not (tree / "docs").exists()


@pytest.mark.parametrize(
    ("label", "environment", "file", "said"),
    [
        ("old", "new", "new", "its label says old"),
        ("new", "", "new", "GIT_SHA says nothing"),
        ("new", "new", "old", "/etc/seatrial-release says old"),
    ],
)
async def test_an_image_with_another_stamp_is_noticed(
    monkeypatch: pytest.MonkeyPatch, label: str, environment: str, file: str, said: str
) -> None:
    async def get(name: str) -> SimpleNamespace:
        return SimpleNamespace(
            labels={stamps.REVISION: label}, config={"Env": [f"GIT_SHA={environment}", "TAG=1"]}
        )

    engine = SimpleNamespace(images=SimpleNamespace(get=get))
    monkeypatch.setattr(stamps, "released", lambda name: {"GIT_SHA": file})
    with pytest.raises(CannotBuild, match=said):
        await stamps.verify(engine, ["x:1"], context.Source("1", "new", 0, dirty=False))  # type: ignore[arg-type]


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.campaign  # it builds one of the images a second time
def test_the_same_commit_gives_the_same_image(images: Mapping[str, str]) -> None:
    if KEPT in os.environ:
        pytest.skip("the images are those of another commit, perhaps")
    tag = images["TAG"].removesuffix("-dirty")
    name = f"gitgrit-sandbox:{images['TAG']}"
    before = asyncio.run(identity(name))
    subprocess.run(["docker", "tag", name, f"{name}-before"], check=True)
    command = [sys.executable, "-m", "scripts.build_images", tag, "--only", "gitgrit-sandbox"]
    subprocess.run(
        command, cwd=context.ROOT, env=os.environ | {"ALLOW_DIRTY": "1"}, check=True, capture_output=True
    )
    after = asyncio.run(identity(name))
    subprocess.run(["docker", "rmi", f"{name}-before"], check=True, capture_output=True)
    assert after == before


async def identity(name: str) -> str:
    """The id of an image on the engine."""
    engine = Engine(ENGINE)
    image = await engine.images.get(name)
    await engine.close()
    assert image is not None
    return image.id


def test_a_build_waits_for_another_with_the_same_cache(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with alone(tmp_path):
            order.append("second")

    with ThreadPoolExecutor() as pool:
        with alone(tmp_path):
            waiting = pool.submit(second)
            assert not wait([waiting], timeout=0.3).done
            order.append("first")
        waiting.result(60)
    assert order == ["first", "second"]
