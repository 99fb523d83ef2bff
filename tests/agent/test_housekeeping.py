"""Caches are cleaned up at the start, daily, and hourly while the disk is full; one that fails stops no other."""

import asyncio
from pathlib import Path

import pytest

from seatrial.agent.housekeeping import Housekeeping


@pytest.mark.parametrize(("min_free_mb", "times"), [(0, 1), (10**9, 3)])
async def test_daily_and_hourly_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, min_free_mb: int, times: int
) -> None:
    pruned: list[float] = []

    async def broken(days: float) -> None:
        raise OSError("unreadable")

    async def counted(days: float) -> None:
        pruned.append(days)

    slept = 0

    async def sleep(seconds: float) -> None:
        nonlocal slept
        slept += 1
        if slept == 2 * 60 + 1:  # two hours, a minute at a time
            raise asyncio.CancelledError

    monkeypatch.setattr("seatrial.agent.housekeeping.asyncio.sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await Housekeeping(tmp_path, [broken, counted], 14.0, min_free_mb).run()
    assert pruned == [14.0] * times
