"""Server-sent events: a part of a page, rendered again whenever what it shows has changed.

One stream polls with a few cheap queries a second, on two threads shared by all streams of the process, and keeps no
database connection of its own, so that the number of watchers never becomes a number of connections. Every poll loads
the watcher anew and asks for access anew: a stream ends within a second of its watcher losing it or signing out. A
stream also ends after LIFETIME_SECONDS (the browser reconnects), when a poll fails (the browser reconnects, and sees
whether it still does), when the client goes, and when the process is told to stop.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import structlog
from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from seatrial.control.dashboard.apps import DashboardConfig, dashboard
from seatrial.control.database_errors import AWAY
from seatrial.control.ending import ended

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
COMMENT_SECONDS = 15.0
LIFETIME_SECONDS = 900.0
QUEUED_EVENTS = 64
LEAVE_SECONDS = 1.0  # how long a cancelled source may take to end, before it is cancelled once more
CUT_OFF = (
    "-- Cut off: the server stopped or failed, or you may not see this any more. Download again in a while.\n"
)

P = TypeVar("P")  # a person


@dataclass(frozen=True)
class Watched(Generic[P]):
    """What a stream shows, and to whom: `fingerprint` is cheap and changes when `render` would give something else.

    `watcher` is asked at every poll, on a polling thread, who is behind the request *now*; None, once they are signed
    out, ends the stream. Both others are given its answer. `fingerprint` returns None when they may no longer see it,
    which ends the stream as well.
    """

    watcher: Callable[[HttpRequest], P | None]
    fingerprint: Callable[[P], Hashable | None]
    render: Callable[[P], str]


Texts = Callable[[], AsyncGenerator[str, None]]
Queue = asyncio.Queue[str | None]  # None: nothing more comes
Source = Callable[[Queue, asyncio.Event], Awaitable[None]]


def event(data: str, name: str = "") -> str:
    """One event in the text/event-stream format. Without a name, the page swaps it in."""
    lines = [f"event: {name}"] if name else []
    return "\n".join([*lines, *(f"data: {line}" for line in data.splitlines() or [""])]) + "\n\n"


def json_event(value: Any, name: str) -> str:
    """A named event that a script reads."""
    return event(json.dumps(value, separators=(",", ":")), name)


async def stream(
    request: HttpRequest, watched: Watched[P], *, extra: Texts | None = None
) -> HttpResponseBase:
    """The response: `watched` again on every change, and what `extra` yields in between."""
    config = await _opened()
    sources: list[Source] = [partial(_poll, config, request, watched), _grow_old]
    if extra is not None:
        sources.append(partial(_forward, extra))
    return StreamingHttpResponse(
        _events(config, sources),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def download(request: HttpRequest, name: str, texts: Texts, watched: Watched[P]) -> HttpResponseBase:
    """The response: a file of all that `texts` yields. Ends with CUT_OFF when that is not all of it.

    `watched` renders nothing: it only tells whether they may still see it.
    """
    config = await _opened()
    return StreamingHttpResponse(
        _file(config, [partial(_poll, config, request, watched), partial(_forward_all, texts)]),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


async def _opened() -> DashboardConfig:
    """What open streams share. The request's own database connection is given back: it would be kept to the stream's end."""
    config = dashboard()
    config.watch_signals()  # before the first byte: whoever has it may tell this process to stop
    await sync_to_async(close_old_connections)()
    return config


async def _events(config: DashboardConfig, sources: list[Source]) -> AsyncGenerator[str, None]:
    yield "retry: 1000\n\n"
    async with contextlib.aclosing(_merged(config, sources, asyncio.Event())) as messages:
        async for message in messages:
            yield message or ": still here\n\n"


async def _file(config: DashboardConfig, sources: list[Source]) -> AsyncGenerator[str, None]:
    end = asyncio.Event()
    async with contextlib.aclosing(_merged(config, sources, end)) as texts:
        async for text in texts:
            yield text
    if config.closing or end.is_set():
        yield CUT_OFF


async def _merged(
    config: DashboardConfig, sources: list[Source], end: asyncio.Event
) -> AsyncGenerator[str, None]:
    """What `sources` put, until one puts None, or `end` is set: by one of them, by its failure, by the process that stops.

    An empty text whenever nothing came for COMMENT_SECONDS.
    """
    queue = Queue(QUEUED_EVENTS)
    tasks = [asyncio.create_task(_guarded(source, queue, end)) for source in (*sources, _wake)]
    with config.stream(end):
        try:
            while not config.closing:
                try:
                    # Python 3.11's wait_for can lose a cancellation.
                    async with asyncio.timeout(COMMENT_SECONDS):
                        message = await queue.get()
                except TimeoutError:
                    message = ""
                if message is None or end.is_set():
                    return
                yield message
        finally:
            await ended(*tasks, again_seconds=LEAVE_SECONDS)


async def _guarded(source: Source, queue: Queue, end: asyncio.Event) -> None:
    """A source that fails ends its stream: one that went on without it would look alive, and show what was."""
    try:
        await source(queue, end)
    except AWAY as error:
        log.warning("stream ended: the database does not answer", reason=" ".join(str(error).split())[:200])
        end.set()
    except Exception:
        log.exception("stream ended")
        end.set()


async def _wake(queue: Queue, end: asyncio.Event) -> None:
    """Put the end into the queue too: the reader waits for nothing else."""
    await end.wait()
    await queue.put(None)


async def _grow_old(queue: Queue, end: asyncio.Event) -> None:
    await asyncio.sleep(LIFETIME_SECONDS)
    end.set()


async def _poll(
    config: DashboardConfig, request: HttpRequest, watched: Watched[P], queue: Queue, end: asyncio.Event
) -> None:
    look = sync_to_async(_look, thread_sensitive=False, executor=config.polling)
    seen: Hashable = object()
    while True:
        now, html = await look(request, watched, seen)
        if now is None:
            end.set()
            return
        if html:
            await queue.put(event(html))
        seen = now
        await asyncio.sleep(POLL_SECONDS)


def _look(request: HttpRequest, watched: Watched[P], seen: Hashable) -> tuple[Hashable | None, str]:
    """One poll, on a polling thread: the fingerprint, and the rendering when it changed."""
    close_old_connections()
    try:
        person = watched.watcher(request)
        now = None if person is None else watched.fingerprint(person)
        if person is None or now is None or now == seen:
            return now, ""
        return now, watched.render(person)
    finally:
        close_old_connections()


async def _forward(texts: Texts, queue: Queue, end: asyncio.Event) -> None:
    async with contextlib.aclosing(texts()) as source:
        async for text in source:
            await queue.put(text)


async def _forward_all(texts: Texts, queue: Queue, end: asyncio.Event) -> None:
    await _forward(texts, queue, end)
    await queue.put(None)
