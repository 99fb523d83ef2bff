"""Log lines on their way from the bus to a browser or a file."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import structlog

from seatrial.control import bus
from seatrial.control.dashboard.streams import json_event
from seatrial.wire import subjects
from seatrial.wire.logs import SYSTEM_SERVICE, LogChunk

log = structlog.get_logger(__name__)

LINES_PER_EVENT = 400
GATHER_SECONDS = 0.1
QUIET_SECONDS = 1.5  # a replay that says nothing for so long has told everything
CLOCK_SLACK = timedelta(seconds=30)  # the agent's clock may be behind ours


def log_filter(environment: str, deployment: str = "", *, agent: str = "") -> str:
    """Which log chunks: those of one deployment, or of every one of the environment.

    Once placed, only its own agent is believed about it: the bus says who wrote a line.
    """
    if deployment:
        return subjects.logs_of_deployment(environment, deployment, agent=agent)
    return subjects.logs_of_environment(environment, agent=agent)


async def log_events(chosen: str, since: datetime | None) -> AsyncIterator[str]:
    """`logs-begin`, then `logs` with batches of lines for ever; `logs-away` when the bus refuses."""
    yield json_event(None, "logs-begin")
    try:
        async for lines in _batches(bus.tail_logs(chosen, since=since and since - CLOCK_SLACK)):
            for start in range(0, len(lines), LINES_PER_EVENT):
                yield json_event(lines[start : start + LINES_PER_EVENT], "logs")
    except Exception:  # a page without logs is better than a page without state
        log.exception("log stream ended", filter=chosen)
        yield json_event("Logs are away: the bus does not answer. Reload the page to try again.", "logs-away")


async def _batches(chunks: AsyncIterator[LogChunk]) -> AsyncIterator[list[dict[str, Any]]]:
    """Chunks that arrive within GATHER_SECONDS leave as one batch: a replay is thousands of small chunks."""
    queue: asyncio.Queue[LogChunk | Exception] = asyncio.Queue(1_000)

    async def fill() -> None:
        try:
            async for chunk in chunks:
                await queue.put(chunk)
        except Exception as error:  # handed over, and raised by the reader
            await queue.put(error)

    filling = asyncio.create_task(fill())
    try:
        while True:
            gathered = [await queue.get()]
            await asyncio.sleep(GATHER_SECONDS)
            while not queue.empty():
                gathered.append(queue.get_nowait())
            for item in gathered:
                if isinstance(item, Exception):
                    raise item
            yield [line for chunk in gathered if isinstance(chunk, LogChunk) for line in _lines(chunk)]
    finally:
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)


def _lines(chunk: LogChunk) -> list[dict[str, Any]]:
    return [
        {
            "at": line.at.isoformat(timespec="milliseconds"),
            "service": chunk.service,
            "source": line.source,
            "stream": line.stream,
            "text": line.text,
        }
        for line in chunk.lines
    ]


async def log_text(chosen: str, since: datetime | None) -> AsyncIterator[str]:
    """Every stored line as text; ends when the replay has been quiet for QUIET_SECONDS."""
    chunks = bus.tail_logs(chosen, since=since and since - CLOCK_SLACK)
    while True:
        try:
            chunk = await asyncio.wait_for(anext(chunks), QUIET_SECONDS)
        except (TimeoutError, StopAsyncIteration):
            return
        name = "deployment" if chunk.service == SYSTEM_SERVICE else chunk.service
        for line in chunk.lines:
            yield f"{line.at.isoformat(timespec='milliseconds')} {name} {line.source} {line.text}\n"
