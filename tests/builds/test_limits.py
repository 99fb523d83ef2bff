"""A build cannot exhaust its host."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.buildkit.builder import BuildKitBuilder
from seatrial.agent.builds.cell import MOST_PROCESSES
from seatrial.agent.builds.space import watched
from seatrial.agent.vocabulary.errors import BuildError, NoSpace
from tests.builds.conftest import AnyBuilder, Lines, both
from tests.waiting import until

pytestmark = pytest.mark.docker

Make = Callable[..., BuildRequest]


def sleepers() -> list[psutil.Process]:
    return [p for p in psutil.process_iter(["cmdline"]) if "76543" in (p.info["cmdline"] or [])]


@both
async def test_a_build_that_fills_the_disk_is_stopped_and_what_it_wrote_is_gone(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines
) -> None:
    await builder.build(request_for("roomy", {"Dockerfile": f"FROM {base}\nRUN echo x\n"}, scope="full"), log)
    recipe = f"FROM {base}\nRUN busybox dd if=/dev/zero of=/big bs=1M count=50; echo written; sleep 76543\n"
    building = asyncio.create_task(
        builder.build(request_for("greedy", {"Dockerfile": recipe}, scope="full"), log)
    )
    while "written" not in log:
        await asyncio.sleep(0.1)
        assert not building.done(), log.text
    builder.least_free_mb = 10**9  # as if the disk had become full
    building.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await building
    with pytest.raises(NoSpace, match=r"web: stopped, because only .* MB were left on the disk"):
        await builder.build(request_for("greedy", {"Dockerfile": recipe}, scope="full"), log)
    if isinstance(builder, BuildKitBuilder):  # whose daemon removes it
        await until(lambda: not sleepers())
        return
    stores = [folder / "store/overlay" for folder in (builder.data / "scopes").iterdir()]
    assert not [f for store in stores if store.exists() for f in store.rglob("diff/big")]


async def test_a_build_that_uses_more_memory_than_one_may_fails_and_names_the_setting(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines
) -> None:
    if isinstance(builder, BuildKitBuilder):
        pytest.skip("its daemon builds, which has the limits of its own container")
    builder.memory_mb = 100
    recipe = f"FROM {base}\nRUN busybox dd if=/dev/zero of=/dev/null bs=400M count=100000\n"
    with pytest.raises(
        BuildError, match=r"web: stopped, because its build used .* 0.1 GB \(GALLEY_BUILD_MEMORY\)"
    ):
        await builder.build(request_for("hungry", {"Dockerfile": recipe}), log)


async def test_work_that_ends_is_not_disturbed(tmp_path: Path) -> None:
    assert await watched(asyncio.sleep(0, "done"), tmp_path, 10**9, "web") == "done"


async def test_processes_and_memory_are_not_the_hosts(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines
) -> None:
    recipe = (
        f"FROM {base}\nRUN cat /proc/self/oom_score_adj; busybox grep 'Max processes' /proc/self/limits; "
        "cat /proc/self/status\n"
    )
    await builder.build(request_for("limits", {"Dockerfile": recipe}, no_cache=True), log)
    assert "1000" in log, "the first to go when memory runs out"
    limits = next(line for line in log if line.startswith("Max processes"))
    assert limits.split()[2:4] == [str(MOST_PROCESSES)] * 2
    bounding = next(line for line in log if line.startswith("CapBnd"))
    assert not int(bounding.split()[1], 16) & (1 << 21), "CAP_SYS_ADMIN"
