"""Logs: stored ones first, then live, and on after the bus was killed."""

import asyncio
from datetime import UTC, datetime

import pytest

from seatrial.control.bus import Bus, tail_logs
from seatrial.control.configuration import Configuration
from seatrial.wire import subjects
from seatrial.wire.envelope import Envelope
from seatrial.wire.logs import LogChunk, LogLine
from tests.bus.servers import NatsServer

pytestmark = pytest.mark.nats


async def say(bus: Bus, text: str, environment: str = "e1") -> None:
    chunk = LogChunk(
        environment=environment, deployment="d1", service="web", lines=[LogLine(source="service", text=text)]
    )
    await bus.publish(subjects.logs("A", environment, "d1", "web"), Envelope.wrap(chunk))


async def test_replays_then_follows(bus: Bus, configuration: Configuration) -> None:
    await say(bus, "one")
    await say(bus, "elsewhere", environment="e2")
    chunks = tail_logs(subjects.logs_of_environment("e1"), configuration=configuration)
    assert (await asyncio.wait_for(anext(chunks), 5)).lines[0].text == "one"
    await say(bus, "two")
    assert (await asyncio.wait_for(anext(chunks), 5)).lines[0].text == "two"
    await chunks.aclose()


async def test_since_skips_the_past(bus: Bus, configuration: Configuration) -> None:
    await say(bus, "before")
    await asyncio.sleep(0.05)
    since = datetime.now(UTC)
    await say(bus, "after")
    chunks = tail_logs(subjects.logs_of_environment("e1"), since=since, configuration=configuration)
    assert (await asyncio.wait_for(anext(chunks), 5)).lines[0].text == "after"
    await chunks.aclose()


async def test_goes_on_after_the_bus_was_killed(
    bus: Bus, configuration: Configuration, nats_server: NatsServer
) -> None:
    await say(bus, "one")
    chunks = tail_logs(subjects.logs_of_deployment("e1", "d1"), configuration=configuration)
    assert (await asyncio.wait_for(anext(chunks), 5)).lines[0].text == "one"
    nats_server.kill()
    nats_server.start()
    for _ in range(100):
        if bus.reconnects:
            break
        await asyncio.sleep(0.05)
    await say(bus, "two")
    assert (await asyncio.wait_for(anext(chunks), 8)).lines[0].text == "two"
    await chunks.aclose()


async def test_lines_that_another_agent_forged_are_not_shown(bus: Bus, configuration: Configuration) -> None:
    forged = LogChunk(
        environment="e1", deployment="d1", service="web", lines=[LogLine(source="service", text="forged")]
    )
    await bus.publish(subjects.logs("B", "e1", "d1", "web"), Envelope.wrap(forged))
    await say(bus, "true")
    for chosen in (
        subjects.logs_of_environment("e1", agent="A"),
        subjects.logs_of_deployment("e1", "d1", agent="A"),
    ):
        chunks = tail_logs(chosen, configuration=configuration)
        assert (await asyncio.wait_for(anext(chunks), 5)).lines[0].text == "true"
        await chunks.aclose()
