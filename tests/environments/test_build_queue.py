"""Builds begin in the order in which they came, some at the same time; who waits is told, and seen in the heartbeat."""

import asyncio

import pytest

from seatrial.agent.environments.build_queue import BuildQueue
from tests.builds.conftest import Lines
from tests.waiting import LIMIT_SECONDS


async def build(queue: BuildQueue, deployment: str, begun: list[str], end: asyncio.Event, log: Lines) -> None:
    async with queue.turn(deployment, "web", log):
        begun.append(deployment)
        await end.wait()


async def test_turns_come_in_order_and_who_is_cancelled_leaves_the_queue() -> None:
    queue, begun, end, log = BuildQueue(1), list[str](), asyncio.Event(), Lines()
    tasks = []
    for deployment in ("a", "b", "b", "c", "d"):
        tasks.append(asyncio.create_task(build(queue, deployment, begun, end, log)))
        await asyncio.sleep(0)
    assert (queue.building, queue.waiting, begun) == (1, ["b", "b", "c", "d"], ["a"])
    assert "web: waits to be built, at place 4: this agent builds 1 at the same time" in log.text
    tasks[3].cancel()
    await asyncio.wait({tasks[3]})
    assert queue.waiting == ["b", "b", "d"]
    end.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert begun == ["a", "b", "b", "d"]
    assert (queue.building, queue.waiting) == (0, [])


async def test_a_build_that_breaks_gives_back_its_turn() -> None:
    queue = BuildQueue(1)
    with pytest.raises(OSError, match="disk"):
        async with queue.turn("a", "web", Lines()):
            raise OSError("disk")
    async with asyncio.timeout(LIMIT_SECONDS), queue.turn("b", "web", Lines()):
        assert queue.building == 1
