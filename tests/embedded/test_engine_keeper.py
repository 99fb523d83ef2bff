"""An engine of ours that ends is started again, and is not looked at meanwhile."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.embedded.engine import daemon, keeper
from seatrial.embedded.engine.daemon import EngineProblem
from seatrial.embedded.engine.keeper import EngineKeeper
from seatrial.embedded.processes import ended
from tests.waiting import LIMIT_SECONDS


@pytest.fixture
def engine() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


async def test_its_end_is_noticed_without_looking_again_and_again(
    engine: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    loop, looked, started = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    looks: list[bool] = []

    def pids() -> list[int]:
        looks.append(engine.poll() is None)
        loop.call_soon_threadsafe(looked.set)
        return [engine.pid] if looks[-1] else []

    def start() -> None:
        loop.call_soon_threadsafe(started.set)
        raise EngineProblem("that is enough")

    monkeypatch.setattr(daemon, "NOTE", tmp_path / "engine.json")
    daemon.note_as_ours()
    monkeypatch.setattr(keeper, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(daemon, "pids", pids)
    monkeypatch.setattr(daemon, "may_start", lambda environ: not pids())
    monkeypatch.setattr(daemon, "start", start)
    kept = asyncio.create_task(EngineKeeper({}, lambda line: None, ended).run())
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            await looked.wait()
            await asyncio.sleep(0.05)
            assert looks == [True] and not started.is_set()
            engine.kill()
            await started.wait()
    finally:
        kept.cancel()
        await asyncio.gather(kept, return_exceptions=True)
