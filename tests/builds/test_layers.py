"""Unused caches are removed, and nothing else."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial.agent.builds.assembly import docker_builds
from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.buildah import BuildahBuilder, scope_folder
from seatrial.agent.engine import Engine
from tests.builds.conftest import BASE, LABEL, Lines, docker

pytestmark = pytest.mark.docker

Make = Callable[..., BuildRequest]
SECOND = f"{BASE}-second"
DAY = 86_400.0


@pytest.fixture
def aging(engine: Engine, tmp_path: Path, cache: Path) -> BuildahBuilder:
    """A builder with a folder of its own, whose clock the test moves (`cache` removes the images)."""
    builder = docker_builds(engine, tmp_path / "builder", "isolated")[0]
    builder.layers.clock = lambda: 100 * DAY
    return builder


def scopes(builder: BuildahBuilder) -> set[str]:
    return set(builder.layers.scopes())


async def test_what_was_not_used_for_so_long_is_removed(
    aging: BuildahBuilder, request_for: Make, base: str, log: Lines
) -> None:
    recipe = f"FROM {base}\nRUN echo built > /x\nRUN echo last > /y\n"
    old = request_for("layers-old", {"Dockerfile": recipe}, scope="old")
    await aging.build(old, log)
    aging.layers.clock = lambda: 110 * DAY
    await aging.build(request_for("layers-new", {"Dockerfile": recipe}, scope="new"), log)
    await aging.prune(14)
    assert scopes(aging) == {scope_folder("old"), scope_folder("new")}
    aging.layers.clock = lambda: 115 * DAY
    await aging.prune(14)
    assert scopes(aging) == {scope_folder("new")}
    log.clear()
    await aging.build(request_for("layers-new", {"Dockerfile": recipe}, scope="new"), log)
    assert any("Using cache" in line for line in log), "the base is still there, with what stands on it"
    await aging.build(old, log)
    assert await docker("run", "--rm", "--network", "none", old.tag, "cat", "/x") == "built\n"


async def test_a_base_that_no_layers_stand_on_goes_and_comes_again(
    aging: BuildahBuilder, request_for: Make, base: str, log: Lines
) -> None:
    await docker("build", "-q", "-t", SECOND, "--label", LABEL, "-", stdin=f"FROM {base}\nENV A=1\n")  # fmt: skip
    first = request_for("layers-one", {"Dockerfile": f"FROM {base}\nRUN echo one\n"}, scope="one")
    await aging.build(first, log)
    aging.layers.clock = lambda: 120 * DAY
    second = request_for(
        "layers-two",
        {"Dockerfile": f"FROM {SECOND}\nRUN echo two\nRUN echo last\n"},
        scope="two",
    )
    await aging.build(second, log)
    await aging.prune(14)
    assert (aging.data / "bases.json").read_text().count("sha256:") == 1
    log.clear()
    await aging.build(second, log)
    assert any("Using cache" in line for line in log)
    aging.layers.clock = lambda: 200 * DAY
    await aging.prune(14)
    assert not scopes(aging)
    assert not (aging.data / "bases").exists()
    await aging.build(first, log)


async def test_what_is_being_built_is_left_alone(
    aging: BuildahBuilder, request_for: Make, base: str, log: Lines
) -> None:
    await aging.build(
        request_for("layers-busy", {"Dockerfile": f"FROM {base}\nRUN echo x\n"}, scope="busy"), log
    )
    aging.layers.clock = lambda: 200 * DAY
    async with aging.layers.used(scope_folder("busy")):
        await aging.prune(14)
        assert scopes(aging) == {scope_folder("busy")}
    await aging.prune(14)
    assert not scopes(aging)


async def test_half_an_image_that_a_kill_left_goes(aging: BuildahBuilder) -> None:
    for folder in ("incoming", "scratch"):
        (aging.data / folder).mkdir(parents=True)
        for name in ("left", "under way"):
            (aging.data / folder / name).mkdir()
        os.utime(aging.data / folder / "left", (0, 0))
    await aging.prune(14)
    for folder in ("incoming", "scratch"):
        assert [path.name for path in (aging.data / folder).iterdir()] == ["under way"]
