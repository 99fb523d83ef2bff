"""Reads log lines back from the bus. Any number of readers in one process share one connection."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from weakref import WeakKeyDictionary

import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api

from seatrial.control.bus import Bus
from seatrial.control.configuration import Configuration
from seatrial.wire import subjects
from seatrial.wire.ending import ended, heeded
from seatrial.wire.envelope import Envelope
from seatrial.wire.errors import WireError
from seatrial.wire.logs import LogChunk

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 1.0  # a shorter outage of the bus is not reported to readers
RETRY_SECONDS = 0.25
AGAIN_SECONDS = 0.05


# Called with an agent and a deployment: may that agent send log lines of that deployment?
Believed = Callable[[str, str], Awaitable[bool]]


class Link(StrEnum):
    """Comes between chunks: says whether the bus can be read now, and when all stored lines have been sent."""

    AWAY = "away"
    BACK = "back"
    CAUGHT_UP = "caught up"


@dataclass
class _Position:
    """How far one reader has read, so that a new subscription continues where the old one ended.

    `newest`: how many of the stored chunks the reader wants; None: all.
    """

    since: datetime | None
    newest: int | None = None
    last: int = 0

    def replay(self) -> api.ConsumerConfig:
        if self.last:
            start = api.DeliverPolicy.BY_START_SEQUENCE
            return api.ConsumerConfig(deliver_policy=start, opt_start_seq=self.last + 1)
        if self.since:
            start = api.DeliverPolicy.BY_START_TIME
            return api.ConsumerConfig(deliver_policy=start, opt_start_time=self.since)
        return api.ConsumerConfig(deliver_policy=api.DeliverPolicy.ALL)


class LogTails:
    """All readers of log lines in one process."""

    def __init__(self, configuration: Callable[[], Configuration]) -> None:
        self._configuration = configuration
        # By event loop; a process has one loop
        self._connections = WeakKeyDictionary[asyncio.AbstractEventLoop, _Connection]()

    async def tail(
        self,
        filter_subject: str,
        *,
        since: datetime | None = None,
        newest: int | None = None,
        believed: Believed | None = None,
    ) -> AsyncGenerator[LogChunk | Link, None]:
        """Yield the chunks that match `filter_subject` (see `wire.subjects.logs_of_*`): stored ones, then new ones.

        The chunks of one subject come in order, and none comes twice. Of the stored ones all come, or with `newest`
        only so many. With `believed`, chunks are left out whose sender (according to the bus) may not send lines of
        their deployment. Link.CAUGHT_UP comes after the last chunk that was stored when reading began (at once if there
        was none), and again after each Link.BACK. While the bus is away the reader waits: it gets Link.AWAY once, and
        Link.BACK when the bus answers again. To stop, close the iterator (`aclosing`) or cancel the task that reads, at
        any moment; one cancellation is enough.
        """
        loop = asyncio.get_running_loop()
        connection = self._connections.setdefault(loop, _Connection(self._configuration))
        connection.readers += 1
        try:
            async with aclosing(
                _follow(connection, filter_subject, _Position(since, newest), believed)
            ) as items:
                async for item in items:
                    yield item
        finally:
            connection.readers -= 1
            if not connection.readers:
                await asyncio.shield(connection.close())


class _Connection:
    """The first reader opens it, the last one closes it."""

    def __init__(self, configuration: Callable[[], Configuration]) -> None:
        self._configuration = configuration
        self._connecting: asyncio.Task[Bus] | None = None
        self.readers = 0

    async def bus(self) -> Bus:
        """The connection. It is made once, and again only after it was closed for good."""
        if self._connecting is None or _is_over(self._connecting):
            connecting = Bus.connect(self._configuration(), name="seatrial logs")
            self._connecting = asyncio.create_task(connecting, name="logs connection")
        return await asyncio.shield(self._connecting)

    async def close(self) -> None:
        connecting, self._connecting = self._connecting, None
        if connecting is None:
            return
        await ended(connecting, again_seconds=AGAIN_SECONDS)
        if not connecting.cancelled() and connecting.exception() is None:
            await connecting.result().close()


async def _follow(
    connection: _Connection, filter_subject: str, position: _Position, believed: Believed | None
) -> AsyncGenerator[LogChunk | Link, None]:
    link = Link.BACK
    while True:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                bus = await connection.bus()
            async with aclosing(_read(bus, filter_subject, position, believed)) as items:
                async for item in items:
                    if item is not link:
                        yield item
                    link = Link.BACK  # whatever was read, the bus is back
        except (nats.errors.Error, TimeoutError) as error:
            # Only at DEBUG: the connection has logged it already, or the worker has not made the stream yet.
            log.debug("log reader waits", filter=filter_subject, problem=str(error))
            if link is Link.BACK:
                link = Link.AWAY
                yield link
            await asyncio.sleep(RETRY_SECONDS)


def _is_over(connecting: asyncio.Task[Bus]) -> bool:
    """True when connecting failed, or the connection was closed for good (by a server that rejects us now, say)."""
    if not connecting.done():
        return False
    return (
        connecting.cancelled() or connecting.exception() is not None or connecting.result().client.is_closed
    )


async def _read(
    bus: Bus, filter_subject: str, position: _Position, believed: Believed | None
) -> AsyncGenerator[LogChunk | Link, None]:
    """Read for as long as this connection lasts: first Link.BACK, then chunks, and Link.CAUGHT_UP once.

    Raises nats.errors.Error when the bus does not answer.

    After a reconnect, an old subscription gets nothing for a while. So reading ends at a reconnect, and the caller
    subscribes again after the last chunk.
    """
    if not bus.client.is_connected:
        raise nats.errors.ConnectionReconnectingError
    reconnects = bus.reconnects
    subscription = await _subscribe(bus, filter_subject, position)
    try:
        with heeded():
            stored = await _stored(subscription)
        yield Link.BACK
        if not stored:
            yield Link.CAUGHT_UP
        while reconnects == bus.reconnects and bus.client.is_connected:
            try:
                with heeded():
                    message = await subscription.next_msg(timeout=1)
            except TimeoutError:
                continue
            for chunk in _chunks(message, position):
                if believed is None or await _may_tell(believed, message):
                    yield chunk
            stored -= 1
            if stored >= 0 and (stored == 0 or message.metadata.num_pending == 0):
                stored = 0
                yield Link.CAUGHT_UP
    finally:
        if bus.client.is_connected:
            await subscription.unsubscribe()


async def _subscribe(bus: Bus, filter_subject: str, position: _Position) -> JetStreamContext.PushSubscription:
    """Subscribe; when this is cancelled, no subscription is left behind."""
    subscription = None
    try:
        with heeded():
            subscription = await bus.jetstream.subscribe(
                filter_subject, stream=subjects.LOGS_STREAM, ordered_consumer=True, config=position.replay()
            )
    except asyncio.CancelledError:
        if subscription is not None:
            await subscription.unsubscribe()
        raise
    return subscription


async def _stored(subscription: JetStreamContext.PushSubscription) -> int:
    """How many chunks were stored when reading began."""
    info = await subscription.consumer_info()
    return (info.num_pending or 0) + (info.delivered.consumer_seq if info.delivered else 0)


def _chunks(message: Msg, position: _Position) -> list[LogChunk]:
    """The chunk in a message; an empty list when it was read before, is older than wanted, or cannot be read."""
    sequence = message.metadata.sequence.stream
    if sequence <= position.last:
        return []
    position.last = sequence
    if position.newest is not None and message.metadata.num_pending >= position.newest:
        return []
    chunk = _chunk(message)
    return [] if chunk is None else [chunk]


async def _may_tell(believed: Believed, message: Msg) -> bool:
    return await believed(subjects.agent_of(message.subject), subjects.deployment_of(message.subject))


def _chunk(message: Msg) -> LogChunk | None:
    try:
        opened = Envelope.decode(message.data).open()
    except WireError as error:
        log.warning("unreadable log chunk skipped", subject=message.subject, error=str(error))
        return None
    return opened if isinstance(opened, LogChunk) else None
