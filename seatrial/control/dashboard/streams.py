"""Server-sent events: a part of a page, rendered again whenever what it shows has changed.

One stream polls with one cheap query a second, on two threads shared by all streams of the process, so that the
number of watchers never becomes a number of database connections. Every poll asks for access anew: a stream ends
within a second of its watcher losing it. A stream also ends after LIFETIME_SECONDS (the browser reconnects, and so
proves its session again), when the client goes, and when the process is told to stop.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from seatrial.control.dashboard.apps import DashboardConfig, dashboard

POLL_SECONDS = 1.0
COMMENT_SECONDS = 15.0
LIFETIME_SECONDS = 900.0
QUEUED_EVENTS = 64


@dataclass(frozen=True)
class Watched:
    """What a stream shows: `fingerprint` is cheap and changes when `render` would give something else.

    `fingerprint` returns None when the watcher may no longer see it, which ends the stream.
    """

    fingerprint: Callable[[], Hashable | None]
    render: Callable[[], str]


Extra = Callable[[], AsyncGenerator[str, None]]


def event(data: str, name: str = "") -> str:
    """One event in the text/event-stream format. Without a name, the page swaps it in."""
    lines = [f"event: {name}"] if name else []
    return "\n".join([*lines, *(f"data: {line}" for line in data.splitlines() or [""])]) + "\n\n"


def json_event(value: Any, name: str) -> str:
    """A named event that a script reads."""
    return event(json.dumps(value, separators=(",", ":")), name)


async def stream(request: HttpRequest, watched: Watched, *, extra: Extra | None = None) -> HttpResponseBase:
    """The response: `watched` again on every change, and what `extra` yields in between."""
    return StreamingHttpResponse(
        _events(dashboard(), watched, extra),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(config: DashboardConfig, watched: Watched, extra: Extra | None) -> AsyncIterator[str]:
    queue: asyncio.Queue[str | None] = asyncio.Queue(QUEUED_EVENTS)
    end = asyncio.Event()
    tasks = [asyncio.create_task(_poll(config, watched, queue)), asyncio.create_task(_finish(end, queue))]
    if extra is not None:
        tasks.append(asyncio.create_task(_forward(extra, queue)))
    with config.stream(end):
        try:
            yield "retry: 1000\n\n"
            while not config.closing and not end.is_set():
                try:
                    message = await asyncio.wait_for(queue.get(), COMMENT_SECONDS)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if message is None:
                    return
                yield message
        finally:
            for task in tasks:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks, return_exceptions=True)


async def _finish(end: asyncio.Event, queue: asyncio.Queue[str | None]) -> None:
    """Wake the reader when the process stops or the stream is old."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(end.wait(), LIFETIME_SECONDS)
    await queue.put(None)


async def _poll(config: DashboardConfig, watched: Watched, queue: asyncio.Queue[str | None]) -> None:
    look = sync_to_async(_look, thread_sensitive=False, executor=config.polling)
    seen: Hashable = object()
    while True:
        now, html = await look(watched, seen)
        if now is None:
            await queue.put(None)
            return
        if html is not None:
            await queue.put(event(html))
        seen = now
        await asyncio.sleep(POLL_SECONDS)


def _look(watched: Watched, seen: Hashable) -> tuple[Hashable | None, str | None]:
    """One poll, on a polling thread: the fingerprint, and the rendering when it changed."""
    close_old_connections()
    try:
        now = watched.fingerprint()
        if now is None or now == seen:
            return now, None
        return now, watched.render()
    finally:
        close_old_connections()


async def _forward(extra: Extra, queue: asyncio.Queue[str | None]) -> None:
    async with contextlib.aclosing(extra()) as messages:
        async for message in messages:
            await queue.put(message)
