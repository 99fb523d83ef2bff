"""Images are collected by their age and by a budget, and never one that is in use or that somebody else brought."""

import asyncio
import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from seatrial.agent.builds.images import DockerImages
from seatrial.agent.builds.pulled import DAY_SECONDS, PulledImages
from seatrial.agent.engine import Engine
from seatrial.agent.engine.images import Image
from seatrial.agent.vocabulary.logs import quiet

MB = 1024**2
OLD, NEW, LOADED = "registry.test/old:1", "registry.test/new:1", "registry.test/loaded:1"


@dataclass
class FakeEngine:
    """Images by name, those that a container uses, and a moment's pause in every call, in which others go on."""

    there: dict[str, int] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    pulls: int = 0

    @property
    def images(self) -> "FakeEngine":
        return self

    async def get(self, reference: str) -> Image | None:
        await asyncio.sleep(0)
        size = self.there.get(reference)
        return Image("sha256:1", (), {}, size) if size is not None else None

    async def remove(self, reference: str) -> None:
        await asyncio.sleep(0)
        if reference not in self.used:
            self.there.pop(reference, None)
        await asyncio.sleep(0)

    async def pull(self, image: str, log: Any, login: Any = None) -> None:
        await asyncio.sleep(0)
        self.there[image] = 100 * MB
        self.pulls += 1


@dataclass
class Host:
    engine: FakeEngine
    kept: PulledImages
    images: DockerImages
    now: float = 1000 * DAY_SECONDS


@pytest.fixture
def host(tmp_path: Path) -> Host:
    engine = FakeEngine({LOADED: 900 * MB})
    kept = PulledImages(cast("Engine", engine), tmp_path / "pulled.json")
    images = DockerImages(cast("Engine", engine), cast("Any", None), engine, kept=kept)
    host = Host(engine, kept, images)
    kept.clock = lambda: host.now
    return host


async def fill(host: Host) -> None:
    await host.images.ensure(OLD, quiet)
    host.now += 5 * DAY_SECONDS
    await host.images.ensure(NEW, quiet)
    await host.images.ensure(LOADED, quiet)
    host.now += DAY_SECONDS


async def test_what_was_not_used_for_so_long_goes_and_what_was_loaded_stays(host: Host) -> None:
    await fill(host)
    await host.kept.prune(5)
    assert set(host.engine.there) == {NEW, LOADED}
    host.now += 100 * DAY_SECONDS
    await host.kept.prune(5)
    assert set(host.engine.there) == {LOADED}


async def test_over_the_budget_what_was_not_used_for_longest_goes_first(host: Host) -> None:
    await fill(host)
    await host.kept.shrink(200 * MB)
    assert set(host.engine.there) == {OLD, NEW, LOADED}
    await host.kept.shrink(0)
    assert set(host.engine.there) == {OLD, NEW, LOADED}, "no limit"
    await host.kept.shrink(150 * MB)
    assert set(host.engine.there) == {NEW, LOADED}


@pytest.mark.parametrize("why", ["container", "held", "recent"])
async def test_what_is_in_use_stays_and_goes_when_it_is_not(host: Host, why: str) -> None:
    await fill(host)
    if why == "container":
        host.engine.used.add(OLD)
    elif why == "held":
        host.kept.hold("deployment", OLD)
    else:
        await host.images.ensure(OLD, quiet)
    await host.kept.shrink(1)
    await host.kept.prune(0)
    assert set(host.engine.there) == {OLD, LOADED}
    host.engine.used.clear()
    host.kept.release("deployment")
    host.now += DAY_SECONDS
    await host.kept.shrink(1)
    assert set(host.engine.there) == {LOADED}


async def test_what_went_without_us_is_forgotten_and_a_broken_file_forgets_all(host: Host) -> None:
    await fill(host)
    host.engine.there.pop(OLD)
    await host.kept.prune(5)
    assert OLD not in host.kept.file.read_text()
    host.kept.file.write_text("{")
    await host.kept.prune(0)
    assert set(host.engine.there) == {NEW, LOADED}


@pytest.mark.parametrize(("before", "between"), list(itertools.product(range(6), range(4))))
async def test_a_deployment_never_loses_its_image_however_its_steps_and_a_collections_mix(
    host: Host, before: int, between: int
) -> None:
    await fill(host)
    seen = []

    async def deploy() -> None:
        for _ in range(before):
            await asyncio.sleep(0)
        host.kept.hold("one", OLD)
        reference = await host.images.ensure(OLD, quiet)
        for _ in range(between):
            await asyncio.sleep(0)
        seen.append(reference in host.engine.there)
        host.engine.used.add(reference)
        host.kept.release("one")

    await asyncio.gather(deploy(), host.kept.shrink(1), host.kept.prune(0))
    assert seen == [True] and OLD in host.engine.there


@pytest.mark.parametrize("steps", range(8))
async def test_a_collection_that_is_killed_is_done_by_the_next(host: Host, steps: int) -> None:
    await fill(host)
    collecting = asyncio.create_task(host.kept.shrink(1))
    for _ in range(steps):
        await asyncio.sleep(0)
    collecting.cancel()
    await asyncio.wait({collecting})
    again = PulledImages(host.kept.engine, host.kept.file, lambda: host.now)
    await again.shrink(1)
    await again.prune(0)
    assert set(host.engine.there) == {LOADED}
    assert again.file.read_text() == "{}"
