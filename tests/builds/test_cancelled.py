"""A build that ended early leaves nothing running, and nothing unfinished that could be taken for complete."""

import asyncio
from pathlib import Path

import pytest

from seatrial.agent.builds import fence
from seatrial.agent.builds.account import Account
from seatrial.agent.builds.bases import Bases
from seatrial.agent.builds.cell import Cell
from seatrial.agent.builds.fence import BuildFence
from seatrial.agent.builds.layers import Layers
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.errors import ImageUnavailable
from seatrial.agent.vocabulary.logs import Log, quiet

BUILDER = Account("builder", 1, 1, other=True)


async def test_rules_that_a_cancelled_build_left_unfinished_are_put_up_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    began, goes = asyncio.Event(), 0

    async def put_up(_: Account) -> bool:
        nonlocal goes
        goes += 1
        if goes == 1:
            began.set()
            await asyncio.Event().wait()
        return True

    monkeypatch.setattr(fence, "put_up", put_up)
    raised = BuildFence()
    first = asyncio.create_task(raised.raise_for(BUILDER))
    await began.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    for _ in range(2):
        await raised.raise_for(BUILDER)
    assert goes == 2


async def test_rules_that_could_not_be_put_up_are_tried_again_with_the_next_build(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stands = [False, True]

    async def put_up(_: Account) -> bool:
        return stands.pop(0)

    monkeypatch.setattr(fence, "put_up", put_up)
    monkeypatch.setattr(fence.firewall, "available", lambda: True)
    raised = BuildFence()
    for _ in range(3):
        await raised.raise_for(BUILDER)
    assert not stands


class OneIsMissing:
    """`Images` without "gone"; everything else takes its time, and notes its end."""

    def __init__(self) -> None:
        self.asked, self.ended = asyncio.Event(), asyncio.Event()

    async def ensure(self, image: str, log: Log, logins: object = None) -> str:
        if image == "gone":
            await self.asked.wait()
            raise ImageUnavailable("gone")
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()
        return image


async def test_an_unavailable_base_ends_the_preparation_of_the_others(tmp_path: Path) -> None:
    images = OneIsMissing()
    bases = Bases(Engine("unix:///nowhere.sock"))
    with pytest.raises(ImageUnavailable):
        await bases.prepare(Cell(tmp_path, "scope", BUILDER), images, ["slow", "gone"], quiet)
    assert images.ended.is_set()


async def test_a_build_is_alone_until_another_of_its_project_begins(tmp_path: Path) -> None:
    layers = Layers(tmp_path)
    async with layers.used("project"), layers.used("another"):
        async with layers.alone("project") as alone:
            assert alone
        async with layers.used("project"), layers.alone("project") as alone:
            assert not alone


async def test_no_build_begins_while_one_tidies_up_alone(tmp_path: Path) -> None:
    layers = Layers(tmp_path)

    async def begin() -> None:
        async with layers.used("project"):
            pass

    async with layers.alone("project"):
        beginning = asyncio.create_task(begin())
        assert not (await asyncio.wait([beginning], timeout=0.05))[0]
    await beginning
