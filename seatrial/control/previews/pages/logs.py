"""Log lines on their way from the bus to a browser or a file."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import structlog

from seatrial.control.dashboard.coloured import pieces
from seatrial.control.dashboard.streams import json_event
from seatrial.control.log_tails import AGAIN_SECONDS, Believed, Link, LogTails
from seatrial.control.previews.kept_lines import CLOCK_SLACK
from seatrial.control.previews.models import Deployment
from seatrial.wire import subjects
from seatrial.wire.ending import ended
from seatrial.wire.logs import LogChunk, LogLine
from seatrial.wire.visible import visible_line
from seatrial.wire.words import SYSTEM_SERVICE

log = structlog.get_logger(__name__)

LINES_PER_EVENT = 400
GATHER_SECONDS = 0.1
NEWEST_CHUNKS = 5_001  # at least one line more than the page keeps, so that it shows that there are more
AWAY = "Live logs are interrupted: the bus does not answer. They continue by themselves, and no line is lost."
ENDED = "Logs are interrupted. Reload the page to try again."


def log_filter(environment: str, deployment: str = "", *, agent: str = "") -> str:
    """The subject of the log chunks of one deployment, or of all deployments of the environment, on any agent."""
    if deployment:
        return subjects.logs_of_deployment(environment, deployment, agent=agent)
    return subjects.logs_of_environment(environment)


async def log_events(
    tails: LogTails, chosen: str, since: datetime | None, believed: Believed
) -> AsyncGenerator[str, None]:
    """Yield the event `logs-begin`, then `logs` with batches of the newest lines and of all lines after them, for ever.

    The lines of a batch are all of one deployment, which it names: several speak while one takes over from another.
    `logs-caught-up` comes when all stored lines were sent, `logs-away` and `logs-back` when the bus goes and comes
    back.
    """
    yield json_event(None, "logs-begin")
    tail = tails.tail(chosen, since=since and since - CLOCK_SLACK, newest=NEWEST_CHUNKS, believed=believed)
    try:
        async with aclosing(_batches(tail)) as batches:
            async for batch in batches:
                for lines in _by_deployment(item for item in batch if isinstance(item, LogChunk)):
                    yield json_event(lines, "logs")
                if Link.CAUGHT_UP in batch:
                    yield json_event(None, "logs-caught-up")
                links = [item for item in batch if item in (Link.AWAY, Link.BACK)]
                if links:
                    away = links[-1] is Link.AWAY
                    yield json_event(AWAY if away else None, "logs-away" if away else "logs-back")
    except Exception:  # a page without logs is better than a page without state
        log.exception("log stream ended", filter=chosen)
        yield json_event(ENDED, "logs-away")


async def _batches(
    items: AsyncGenerator[LogChunk | Link, None],
) -> AsyncGenerator[list[LogChunk | Link], None]:
    """Yield what arrives within GATHER_SECONDS as one batch, because a replay is thousands of small chunks."""
    queue: asyncio.Queue[LogChunk | Link | Exception] = asyncio.Queue(1_000)

    async def fill() -> None:
        try:
            async with aclosing(items):
                async for item in items:
                    await queue.put(item)
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
            yield [item for item in gathered if not isinstance(item, Exception)]
    finally:
        await ended(filling, again_seconds=AGAIN_SECONDS)


def _by_deployment(chunks: Iterable[LogChunk]) -> Iterator[dict[str, Any]]:
    for deployment, of_one in groupby(chunks, key=lambda chunk: chunk.deployment):
        lines = [line for chunk in of_one for line in _lines(chunk)]
        for start in range(0, len(lines), LINES_PER_EVENT):
            yield {"deployment": deployment, "lines": lines[start : start + LINES_PER_EVENT]}


def _lines(chunk: LogChunk) -> list[dict[str, Any]]:
    return [
        {
            "at": _moment(line),
            "service": chunk.service,
            "source": line.source,
            "stream": line.stream,
            "text": pieces(line.text),
        }
        for line in chunk.lines
    ]


def _moment(line: LogLine) -> str:
    """In UTC, as the page says, whatever the agent's clock is set to."""
    return line.at.astimezone(UTC).isoformat(timespec="milliseconds")


async def log_text(
    tails: LogTails, deployments: Iterable[Deployment], since: datetime | None, believed: Believed
) -> AsyncGenerator[str, None]:
    """Yield every stored line of `deployments` as text without codes, one deployment after the other.

    A line that names the deployment stands before its lines; one that said nothing is left out. Ends after the last
    line, or when the bus goes away.
    """
    for deployment in deployments:
        chosen = log_filter(deployment.environment_id, deployment.pk, agent=deployment.agent_id or "")
        heading = _heading(deployment)
        async with aclosing(
            tails.tail(chosen, since=since and since - CLOCK_SLACK, believed=believed)
        ) as items:
            async for item in items:
                if item is Link.CAUGHT_UP:
                    break
                if item is Link.AWAY:
                    yield "-- The bus does not answer: lines are missing here. Download again in a while.\n"
                    return
                if isinstance(item, LogChunk):
                    yield heading + _text(item)
                    heading = ""


def _heading(deployment: Deployment) -> str:
    began = deployment.created_at.astimezone(UTC).isoformat(timespec="seconds")
    return f"-- Deployment of {deployment.commit}, {deployment.state}, began {began}\n"


def _text(chunk: LogChunk) -> str:
    name = "deployment" if chunk.service == SYSTEM_SERVICE else chunk.service
    return "".join(
        f"{_moment(line)} {name} {line.source} {visible_line(line.text)}\n" for line in chunk.lines
    )
