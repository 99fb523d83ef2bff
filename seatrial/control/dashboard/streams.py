"""Server-sent events: a part of a page, rendered again whenever what it shows has changed.

Each stream polls once a second, with a few cheap queries. All streams of a process share two polling threads, and none
has a database connection of its own, so more watchers do not need more connections. Every poll loads the watcher and
checks access again: a stream ends within a second after its watcher lost access or signed out. A stream also ends after
LIFETIME_SECONDS and when a poll fails (in both cases the browser reconnects), when the client goes away, and when the
process gets a signal to stop.
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
from seatrial.wire.ending import ended

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
    """What a stream shows, and to whom. All three functions are called on a polling thread.

    `watcher` is called at every poll and returns the person behind the request as they are now, or None once they have
    signed out, which ends the stream. The other two are given that person. `fingerprint` is cheap, and its value
    changes whenever `render` would return something else; it returns None when the person may not see it any more,
    which also ends the stream.
    """

    watcher: Callable[[HttpRequest], P | None]
    fingerprint: Callable[[P], Hashable | None]
    render: Callable[[P], str]


Texts = Callable[[], AsyncGenerator[str, None]]
Queue = asyncio.Queue[str | None]  # None: nothing more comes
Source = Callable[[Queue, asyncio.Event], Awaitable[None]]


def event(data: str, name: str = "") -> str:
    """One event in the text/event-stream format. An event without a name replaces the live part of the page."""
    lines = [f"event: {name}"] if name else []
    return "\n".join([*lines, *(f"data: {line}" for line in data.splitlines() or [""])]) + "\n\n"


def json_event(value: Any, name: str) -> str:
    """A named event that a script reads."""
    return event(json.dumps(value, separators=(",", ":")), name)


async def stream(
    request: HttpRequest, watched: Watched[P], *, extra: Texts | None = None
) -> HttpResponseBase:
    """The response: `watched`, rendered again on every change, and the texts that `extra` yields in between."""
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
    """The response: a file with everything that `texts` yields. It ends with CUT_OFF when it is not complete.

    `watched` renders nothing: it is only there to end the download when the person may not see the file any more.
    """
    config = await _opened()
    return StreamingHttpResponse(
        _file(config, [partial(_poll, config, request, watched), partial(_forward_all, texts)]),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def records(
    request: HttpRequest, texts: Texts, watched: Watched[P], *, content_type: str, cut_off: str, silence: str
) -> HttpResponseBase:
    """The response: every text that `texts` yields, for a program, from a view that is no coroutine. It ends like `download`, but
    with `cut_off`; where nothing comes for a while, `silence` shows that it goes on."""

    async def content() -> AsyncGenerator[str, None]:
        config = await _opened()
        sources: list[Source] = [partial(_poll, config, request, watched), partial(_forward_all, texts)]
        async with contextlib.aclosing(_file(config, sources, cut_off=cut_off, silence=silence)) as pieces:
            async for piece in pieces:
                yield piece

    return StreamingHttpResponse(
        content(),
        content_type=content_type,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _opened() -> DashboardConfig:
    """What open streams share.

    Also closes the request's own database connection, which would otherwise stay open until the stream ends.
    """
    config = dashboard()
    # Before the first byte is sent: from then on, a signal to stop must end this stream
    config.watch_signals()
    await sync_to_async(close_old_connections)()
    return config


async def _events(config: DashboardConfig, sources: list[Source]) -> AsyncGenerator[str, None]:
    yield "retry: 1000\n\n"
    async with contextlib.aclosing(_merged(config, sources, asyncio.Event())) as messages:
        async for message in messages:
            yield message or ": still here\n\n"


async def _file(
    config: DashboardConfig, sources: list[Source], *, cut_off: str = CUT_OFF, silence: str = ""
) -> AsyncGenerator[str, None]:
    end = asyncio.Event()
    async with contextlib.aclosing(_merged(config, sources, end)) as texts:
        async for text in texts:
            yield text or silence
    if config.closing or end.is_set():
        yield cut_off


async def _merged(
    config: DashboardConfig, sources: list[Source], end: asyncio.Event
) -> AsyncGenerator[str, None]:
    """Yield what `sources` put into the queue, until one puts None or `end` is set.

    A source sets `end` itself or by failing; the process sets it when it stops.

    Yields an empty text whenever nothing came for COMMENT_SECONDS.
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
    """Run `source`, and end the stream when it fails: without it, the stream would look alive but show old state."""
    try:
        await source(queue, end)
    except AWAY as error:
        log.warning("stream ended: the database does not answer", reason=" ".join(str(error).split())[:200])
        end.set()
    except Exception:
        log.exception("stream ended")
        end.set()


async def _wake(queue: Queue, end: asyncio.Event) -> None:
    """Put None into the queue when `end` is set, because the reader only waits for the queue."""
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
