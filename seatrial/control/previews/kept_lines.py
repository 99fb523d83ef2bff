"""Log lines that the bus keeps, chosen and searched, as records for programs and for the page of a search."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from seatrial.control.log_tails import Believed, Link, LogTails
from seatrial.control.previews.models import Environment
from seatrial.wire import subjects
from seatrial.wire.logs import LogChunk
from seatrial.wire.visible import visible_line

MOST_NEWEST = 10_000  # lines that are kept in memory for somebody who wants only the newest
CLOCK_SLACK = timedelta(seconds=30)  # the agent's clock may be behind ours
AWAY_SECONDS = 10.0
NOTHING = "none"  # no deployment has this id


class LogEnd(StrEnum):
    """Why no further line comes. REST and the command line say these words."""

    COMPLETE = "complete"
    BUS_AWAY = "bus_away"
    CUT_OFF = "cut_off"


@dataclass(frozen=True)
class Wanted:
    """Which lines. Without a deployment, those of all since the newest one began. `newest`: so many of the kept ones, 0: all."""

    deployment: str = ""
    service: str = ""
    search: str = ""
    since: datetime | None = None
    newest: int = 0
    follow: bool = False


@dataclass(frozen=True)
class Line:
    """One line. `text` has no codes for a terminal: what would be one is written out."""

    at: str
    deployment: str
    service: str
    source: str
    stream: str
    text: str


@dataclass(frozen=True)
class Place:
    """Where the lines of a `Wanted` are on the bus, and the moment at which reading begins."""

    subject: str
    since: datetime | None


def place_of(environment: Environment, wanted: Wanted) -> Place:
    """Of a deployment that is not there, no line is found."""
    rows = environment.deployments.order_by("-id")
    if wanted.deployment:
        chosen = rows.filter(pk=wanted.deployment.replace("\0", "")).first()
        key, agent = (chosen.pk, chosen.agent_id or "") if chosen else (NOTHING, "")
        return _place(subjects.logs_of_deployment(environment.pk, key, agent=agent), wanted.since)
    newest = rows.first()
    return _place(
        subjects.logs_of_environment(environment.pk), wanted.since or (newest.created_at if newest else None)
    )


def _place(subject: str, since: datetime | None) -> Place:
    return Place(subject, since and since - CLOCK_SLACK)


async def lines(
    tails: LogTails, place: Place, wanted: Wanted, believed: Believed
) -> AsyncGenerator[Line | LogEnd, None]:
    """The kept lines, in order; with `follow`, then those that come, for ever. The last item says why there is no other.

    While it follows, an absence of the bus only delays lines; otherwise it ends them after AWAY_SECONDS.
    """
    kept: deque[Line] = deque(maxlen=min(wanted.newest, MOST_NEWEST) or 1)
    caught_up = False
    async with aclosing(tails.tail(place.subject, since=place.since, believed=believed)) as items:
        async for item in _patiently(items, for_ever=wanted.follow):
            if isinstance(item, LogChunk):
                found = _chosen(item, wanted)
                if wanted.newest and not caught_up:
                    kept.extend(found)
                    continue
                for line in found:
                    yield line
            elif item is Link.CAUGHT_UP and not caught_up:
                caught_up = True
                for line in kept:
                    yield line
                if not wanted.follow:
                    yield LogEnd.COMPLETE
                    return
    yield LogEnd.BUS_AWAY


async def _patiently(
    items: AsyncGenerator[LogChunk | Link, None], *, for_ever: bool
) -> AsyncGenerator[LogChunk | Link, None]:
    """All items, until the bus has been away for AWAY_SECONDS; `for_ever`: that is waited for, too."""
    away = False
    while True:
        try:
            async with asyncio.timeout(AWAY_SECONDS if away and not for_ever else None):
                item = await anext(items)
        except TimeoutError:
            return
        away = item is Link.AWAY
        yield item


def _chosen(chunk: LogChunk, wanted: Wanted) -> Iterator[Line]:
    if wanted.service and chunk.service != wanted.service:
        return
    sought = wanted.search.casefold()
    for line in chunk.lines:
        if wanted.since is not None and line.at < wanted.since:
            continue
        text = visible_line(line.text)
        if sought in text.casefold():
            at = line.at.astimezone(UTC).isoformat(timespec="milliseconds")
            yield Line(at, chunk.deployment, chunk.service, line.source, line.stream, text)


def record(item: Line | LogEnd) -> str:
    """One line of JSON."""
    said = {"end": item} if isinstance(item, LogEnd) else asdict(item)
    return json.dumps(said, separators=(",", ":")) + "\n"
