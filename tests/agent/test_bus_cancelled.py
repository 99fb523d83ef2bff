"""What talks to the bus ends at its only cancellation, although the bus's client can lose one."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client

from seatrial.agent.bus.connection import Bus
from seatrial.agent.bus.jobs import Jobs
from seatrial.agent.bus.publisher import BusReports
from seatrial.wire.deployments import EnvironmentRemoved
from seatrial.wire.ending import ended
from tests.waiting import LIMIT_SECONDS

Work = Callable[[], Awaitable[Any]]


class DeafOnce:
    """What wait_for of Python 3.11 does when its end and a cancellation meet."""

    def __init__(self) -> None:
        self.waits = asyncio.Event()
        self.released = asyncio.Event()

    async def wait(self) -> None:
        self.waits.set()
        with contextlib.suppress(asyncio.CancelledError):
            await self.released.wait()


class Connected:
    """A bus whose calls are `deaf`."""

    agent, session, connected = "A", 1, True

    def __init__(self, deaf: DeafOnce) -> None:
        self._deaf = deaf

    async def jetstream(self) -> "Connected":
        return self

    async def publish(self, *_: object, **__: object) -> None:
        await self._deaf.wait()

    async def pull_subscribe_bind(self, *_: object, **__: object) -> "Connected":
        return self

    async def fetch(self, *_: object, **__: object) -> list[Any]:
        await self._deaf.wait()
        return []


async def cancelled_once(work: Work, deaf: DeafOnce) -> None:
    task = asyncio.ensure_future(work())
    await deaf.waits.wait()
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=LIMIT_SECONDS)
    deaf.released.set()  # a failing test leaves nothing behind
    await ended(task, again_seconds=0.1)
    await asyncio.gather(task, return_exceptions=True)
    assert done, "it went on"


@pytest.mark.parametrize("comes_through", [True, False])
async def test_connecting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, comes_through: bool) -> None:
    deaf = DeafOnce()

    async def connect(_: Client, *__: object, error_cb: Any, **___: object) -> None:
        await deaf.wait()
        while not comes_through and not deaf.released.is_set():  # its attempts never end by themselves
            await error_cb(OSError("nobody listens"))
            await asyncio.sleep(0)

    monkeypatch.setattr(Client, "connect", connect)
    await cancelled_once(Bus("nats://127.0.0.1:1", tmp_path / "none", "A").run, deaf)


async def test_reporting() -> None:
    deaf = DeafOnce()
    reports = BusReports(Connected(deaf))  # type: ignore[arg-type]

    async def work() -> None:
        telling = asyncio.ensure_future(
            reports.observed(EnvironmentRemoved(environment="e"), workspace="w", about="e")
        )
        try:
            await reports.run()
        finally:
            telling.cancel()

    await cancelled_once(work, deaf)


async def test_fetching_jobs() -> None:
    deaf = DeafOnce()
    jobs = Jobs(Connected(deaf))  # type: ignore[arg-type]

    async def work() -> None:
        while not deaf.released.is_set():
            await jobs.fetch()
            await asyncio.sleep(0.01)

    await cancelled_once(work, deaf)
