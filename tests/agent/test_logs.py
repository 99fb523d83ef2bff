"""Lines on their way to the bus: gathered, capped, in order, resumed after a restart."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seatrial.agent.environments.preparing import check_space
from seatrial.agent.logs.following import Followers
from seatrial.agent.logs.shares import Shares
from seatrial.agent.logs.shipping import Channel, LogShipping
from seatrial.agent.vocabulary.errors import NoSpace
from seatrial.wire.envelope import Message
from seatrial.wire.logs import LogChunk, LogLine
from tests.waiting import LIMIT_SECONDS

WEB = Channel("w", "e", "d", "web")
START = datetime(2026, 1, 1, tzinfo=UTC)


class Kept:
    def __init__(self) -> None:
        self.chunks: list[LogChunk] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.sending = asyncio.Event()

    async def observed(self, message: Message, *, workspace: str, about: str) -> None:
        raise AssertionError(message)

    async def log(self, chunk: LogChunk, *, workspace: str) -> None:
        self.sending.set()
        await self.gate.wait()
        self.chunks.append(chunk)

    def texts(self) -> list[str]:
        return [line.text for chunk in self.chunks for line in chunk.lines]


def line(text: str) -> LogLine:
    return LogLine(source="service", text=text)


async def test_lines_are_gathered_and_stay_in_order() -> None:
    kept = Kept()
    shipping = LogShipping(kept, Shares(0))
    for number in range(450):
        await shipping.write(WEB, line(str(number)))
    await asyncio.sleep(0.15)
    assert [len(chunk.lines) for chunk in kept.chunks] == [200, 200, 50]
    assert kept.texts() == [str(number) for number in range(450)]


async def test_long_lines_are_cut_saying_so() -> None:
    kept = Kept()
    shipping = LogShipping(kept, Shares(0))
    await shipping.write(WEB, line("x" * 10_000))
    await shipping.flush()
    assert len(kept.texts()[0]) == 4_000 and kept.texts()[0].endswith("x [line cut]")


async def test_a_writer_waits_while_the_bus_is_slow() -> None:
    kept = Kept()
    kept.gate.clear()
    shipping = LogShipping(kept, Shares(0))

    async def write() -> None:
        for number in range(1_000):
            await shipping.write(WEB, line(str(number)))

    writing = asyncio.create_task(write())
    await asyncio.sleep(0.1)
    assert not writing.done(), "memory stays bounded"
    kept.gate.set()
    await writing
    await shipping.flush()
    assert kept.texts() == [str(number) for number in range(1_000)]


async def test_a_line_that_comes_while_others_are_sent_follows_by_itself() -> None:
    kept = Kept()
    shipping = LogShipping(kept, Shares(0))
    kept.gate.clear()
    await shipping.write(WEB, line("first"))
    async with asyncio.timeout(LIMIT_SECONDS):
        await kept.sending.wait()
        await shipping.write(WEB, line("last"))
        kept.gate.set()
        while kept.texts() != ["first", "last"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class Source:
    """The log part of a runtime, from memory."""

    def __init__(self, lines: list[LogLine]) -> None:
        self.lines = lines

    async def logs(
        self, name: str, *, follow: bool, tail: int | None = None, since: datetime | None = None
    ) -> AsyncIterator[LogLine]:
        for held in self.lines:
            if since is None or held.at > since:
                yield held


async def test_a_restarted_agent_goes_on_where_it_stopped(tmp_path: Path) -> None:
    lines = [LogLine(at=START + timedelta(seconds=n), source="service", text=str(n)) for n in range(3)]
    kept = Kept()
    for known in (2, 3):
        shipping = LogShipping(kept, Shares(0))
        followers = Followers(Source(lines[:known]), shipping, tmp_path)  # type: ignore[arg-type]
        saving = asyncio.create_task(followers.run())
        followers.follow("c", WEB)
        await asyncio.sleep(0.1)
        saving.cancel()
        await asyncio.gather(saving, return_exceptions=True)
        await shipping.flush()
    assert kept.texts() == ["0", "1", "2"]


async def test_positions_in_containers_that_vanished_while_no_agent_ran_are_forgotten(tmp_path: Path) -> None:
    quiet, gone, lately = START, START, datetime.now(UTC)
    known = {"quiet": quiet, "gone": gone, "lately": lately}
    file = tmp_path / "log-positions.json"
    file.write_text(json.dumps({name: at.isoformat() for name, at in known.items()}))
    followers = Followers(Source([]), LogShipping(Kept(), Shares(0)), tmp_path)  # type: ignore[arg-type]
    saving = asyncio.create_task(followers.run())
    followers.follow("quiet", WEB)
    await followers.prune(14)
    await asyncio.sleep(0)
    saving.cancel()
    await asyncio.gather(saving, return_exceptions=True)
    assert set(json.loads(file.read_text())) == {"quiet", "lately"}


async def test_a_service_that_outlives_its_deployment_is_filed_under_the_newest(tmp_path: Path) -> None:
    class Talking(Source):
        def __init__(self) -> None:
            super().__init__([])
            self.said: asyncio.Queue[LogLine] = asyncio.Queue()

        async def logs(self, name: str, **_: object) -> AsyncIterator[LogLine]:
            while True:
                yield await self.said.get()

    kept, source = Kept(), Talking()
    followers = Followers(source, shipping := LogShipping(kept, Shares(0)), tmp_path)  # type: ignore[arg-type]
    for deployment in ("d1", "d2"):
        followers.follow("db", Channel("w", "e", deployment, "db"))
        source.said.put_nowait(line(deployment))
        await asyncio.sleep(0.05)
    await shipping.flush()
    assert [(chunk.deployment, chunk.lines[0].text) for chunk in kept.chunks] == [("d1", "d1"), ("d2", "d2")]
    followers.forget("db")


def test_a_full_disk_is_named_with_its_numbers(tmp_path: Path) -> None:
    check_space(tmp_path, 1)
    with pytest.raises(NoSpace, match=r"MB free; 999,999,999 MB are needed to build.*GALLEY_MIN_FREE_MB"):
        check_space(tmp_path, 999_999_999)
