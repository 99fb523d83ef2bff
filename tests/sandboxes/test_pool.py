"""When sandboxes are replaced: not while somebody waits for what the others do."""

import asyncio
from typing import Any

import pytest

from seatrial.agent.sandboxes import pool as pools
from seatrial.agent.sandboxes.pool import Pool
from seatrial.agent.vocabulary.calm import Calm
from seatrial.wire.states import Isolation
from tests.waiting import until


class Ready:
    """A sandbox that has come up."""

    name, isolation, alive = "ready", Isolation.GVISOR, True

    async def warm(self, children: int) -> None:
        """It is."""

    async def destroy(self) -> None:
        """Nothing is left."""


class Counted:
    """A backend that starts at once, and counts."""

    isolation, python, started = Isolation.GVISOR, "3.13", 0

    async def start(self, children: int, berth: object = None) -> Any:
        self.started += 1
        return Ready()


@pytest.fixture
def backend() -> Any:
    return Counted()


async def test_no_sandbox_is_started_while_others_are_claimed(backend: Any) -> None:
    pool = Pool(backend, size=2)
    async with pool.running():
        await until(lambda: pool.warm == 2)
        async with pool.claim():
            async with pool.claim():
                await asyncio.sleep(0)
                assert pool.used == 2
            assert pool.used == 1
            for _ in range(50):
                await asyncio.sleep(0)
            assert (pool.warm, backend.started) == (0, 2)
        assert pool.used == 0
        await until(lambda: pool.warm == 2)
    assert backend.started == 4


async def test_a_long_evaluation_does_not_keep_the_next_one_from_a_warm_sandbox(
    backend: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "UNDISTURBED_SECONDS", 0.01)
    pool = Pool(backend, size=1)
    async with pool.running():
        await until(lambda: pool.warm == 1)
        async with pool.claim():
            await until(lambda: pool.warm == 1)


async def test_no_sandbox_is_started_while_a_preview_is_brought_up(backend: Any) -> None:
    previews = Calm()
    pool = Pool(backend, size=1, previews=previews)
    with previews.disturbed():
        async with pool.running():
            for _ in range(50):
                await asyncio.sleep(0)
            assert (pool.warm, backend.started) == (0, 0)


async def test_a_long_build_does_not_keep_evaluations_from_a_warm_sandbox(
    backend: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "PREVIEW_SECONDS", 0.01)
    previews = Calm()
    pool = Pool(backend, size=1, previews=previews)
    with previews.disturbed():
        async with pool.running():
            await until(lambda: pool.warm == 1)
