"""Log lines: first stored ones, then live ones, also after the bus was killed. Many readers share one connection."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime

import httpx
import pytest
from structlog.testing import capture_logs

from seatrial.control.bus import Bus, ensure_streams
from seatrial.control.configuration import Configuration
from seatrial.control.log_tails import Link, LogTails
from seatrial.wire import subjects
from seatrial.wire.envelope import Envelope
from seatrial.wire.logs import LogChunk, LogLine
from tests.bus.servers import NatsServer
from tests.waiting import LIMIT_SECONDS, until

pytestmark = pytest.mark.nats


def envelope(text: str, environment: str = "e1") -> Envelope:
    lines = [LogLine(source="service", text=text)]
    return Envelope.wrap(LogChunk(environment=environment, deployment="d1", service="web", lines=lines))


async def say(bus: Bus, text: str, environment: str = "e1") -> None:
    await bus.publish(subjects.logs("A", environment, "d1", "web"), envelope(text, environment))


@pytest.fixture
def tails(configuration: Configuration) -> LogTails:
    return LogTails(lambda: configuration)


async def text(items: AsyncGenerator[LogChunk | Link, None]) -> str:
    """The next chunk's first line, or the word of the next link."""
    item = await asyncio.wait_for(anext(items), LIMIT_SECONDS)
    return item.lines[0].text if isinstance(item, LogChunk) else item.value


def connections(server: NatsServer) -> int:
    """Open connections to the server that read logs, by the server's own count."""
    monitor = httpx.get(f"http://127.0.0.1:{server.monitor_port}/connz", trust_env=False, verify=False).json()
    return sum(one["name"] == "seatrial logs" for one in monitor["connections"])


async def test_replays_then_follows(bus: Bus, tails: LogTails) -> None:
    await say(bus, "one")
    await say(bus, "elsewhere", environment="e2")
    async with aclosing(tails.tail(subjects.logs_of_environment("e1"))) as items:
        assert await text(items) == "one"
        assert await text(items) == "caught up"
        await say(bus, "two")
        assert await text(items) == "two"


async def test_since_skips_the_past(bus: Bus, tails: LogTails) -> None:
    await say(bus, "before")
    await asyncio.sleep(0.05)
    since = datetime.now(UTC)
    await say(bus, "after")
    async with aclosing(tails.tail(subjects.logs_of_environment("e1"), since=since)) as items:
        assert await text(items) == "after"


async def test_an_empty_tail_says_at_once_that_it_has_caught_up(bus: Bus, tails: LogTails) -> None:
    async with aclosing(tails.tail(subjects.logs_of_environment("e1"))) as items:
        assert await text(items) == "caught up"
        await say(bus, "one")
        assert await text(items) == "one"


async def test_only_the_newest_lines_come_if_asked_for(bus: Bus, tails: LogTails) -> None:
    for number in range(30):
        await say(bus, str(number))
    async with aclosing(tails.tail(subjects.logs_of_environment("e1"), newest=2)) as items:
        assert [await text(items) for _ in range(3)] == ["28", "29", "caught up"]
        await say(bus, "live")
        assert await text(items) == "live"


async def test_goes_on_after_the_bus_was_killed(bus: Bus, tails: LogTails, nats_server: NatsServer) -> None:
    await say(bus, "one")
    async with aclosing(tails.tail(subjects.logs_of_deployment("e1", "d1"))) as items:
        assert await text(items) == "one"
        assert await text(items) == "caught up"
        nats_server.kill()
        assert await text(items) == "away"
        nats_server.start()
        assert await text(items) == "back"
        assert await text(items) == "caught up"
        await say(bus, "two")
        assert await text(items) == "two"


async def test_a_bus_that_is_not_there_yet_and_has_no_streams_is_waited_for(
    tails: LogTails, configuration: Configuration, nats_server: NatsServer
) -> None:
    nats_server.kill()
    async with aclosing(tails.tail(subjects.logs_of_environment("e1"))) as items:
        assert await text(items) == "away"
        nats_server.start()
        await asyncio.sleep(1)
        await ensure_streams(configuration)
        assert await text(items) == "back"


async def test_all_readers_share_one_connection_and_the_last_one_closes_it(
    bus: Bus, tails: LogTails, nats_server: NatsServer
) -> None:
    await say(bus, "one")
    readers = [tails.tail(subjects.logs_of_environment("e1")) for _ in range(20)]
    assert connections(nats_server) == 0, "connected before anybody reads"
    assert set(await asyncio.gather(*(text(reader) for reader in readers))) == {"one"}
    assert connections(nats_server) == 1
    for reader in readers[1:]:
        await reader.aclose()
    await say(bus, "two")
    assert await text(readers[0]) == "caught up"
    assert await text(readers[0]) == "two", "the others leaving disturbs nobody"
    await readers[0].aclose()
    await until(lambda: connections(nats_server) == 0)  # the server learns of it in its own time


async def test_an_outage_is_one_line_in_the_log_however_many_read(
    bus: Bus, tails: LogTails, nats_server: NatsServer
) -> None:
    await say(bus, "one")
    readers = [tails.tail(subjects.logs_of_environment("e1")) for _ in range(5)]
    with capture_logs() as lines:
        await asyncio.gather(*(text(reader) for reader in readers))
        for _ in range(2):
            assert {await text(reader) for reader in readers} == {"caught up"}
            nats_server.kill()
            assert {await text(reader) for reader in readers} == {"away"}
            await until(lambda: bus.away)
            await asyncio.sleep(1.5)
            nats_server.start()
            assert {await text(reader) for reader in readers} == {"back"}
            await until(lambda: not bus.away)
        for reader in readers:
            await reader.aclose()
    said = [line["event"] for line in lines if line["log_level"] != "debug"]
    one_outage = ["the bus is away"] * 2 + ["the bus is back"] * 2  # the readers' connection, and `bus`
    assert sorted(said) == sorted(one_outage * 2), lines


async def test_readers_that_leave_while_connecting_leave_nothing_behind(
    tails: LogTails, nats_server: NatsServer
) -> None:
    nats_server.kill()
    reader = tails.tail(subjects.logs_of_environment("e1"))
    assert await text(reader) == "away"
    await reader.aclose()
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name() == "logs connection"] == []


async def test_a_reader_ends_at_its_only_cancellation_whatever_arrives_just_then(
    bus: Bus, tails: LogTails
) -> None:
    for number in range(400):
        await bus.client.publish(subjects.logs("A", "e1", "d1", "web"), envelope(str(number)).encode())

    async def read(first: asyncio.Event) -> None:
        async for item in tails.tail(subjects.logs_of_environment("e1")):
            if isinstance(item, LogChunk):
                first.set()
            await asyncio.sleep(0)  # as one who hands it on

    for moment in range(60):
        first = asyncio.Event()
        reading = asyncio.create_task(read(first))
        async with asyncio.timeout(LIMIT_SECONDS):
            await first.wait()
        for _ in range(moment):
            await asyncio.sleep(0)
        reading.cancel()
        done, _ = await asyncio.wait([reading], timeout=LIMIT_SECONDS)
        try:
            assert done, f"it goes on after {moment} turns"
        finally:
            reading.cancel()
