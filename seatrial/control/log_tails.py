"""Log lines read back from the bus: any number of readers in one process share one connection."""

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
from seatrial.control.ending import ended, heeded
from seatrial.wire import subjects
from seatrial.wire.envelope import Envelope
from seatrial.wire.errors import WireError
from seatrial.wire.logs import LogChunk

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 1.0  # a bus that is away for less is not worth a word
RETRY_SECONDS = 0.25
AGAIN_SECONDS = 0.05


# Whether an agent may tell of a deployment.
Believed = Callable[[str, str], Awaitable[bool]]


class Link(StrEnum):
    """Comes between chunks: whether new lines can be read now, and that every stored one has been given out."""

    AWAY = "away"
    BACK = "back"
    CAUGHT_UP = "caught up"


@dataclass
class _Position:
    """How far one reader has read, so that a new subscription goes on where the old one ended.

    `newest`: how many of the stored chunks it wants.
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
    """All readers of one process."""

    def __init__(self, configuration: Callable[[], Configuration]) -> None:
        self._configuration = configuration
        self._connections = WeakKeyDictionary[asyncio.AbstractEventLoop, _Connection]()  # a process has one

    async def tail(
        self,
        filter_subject: str,
        *,
        since: datetime | None = None,
        newest: int | None = None,
        believed: Believed | None = None,
    ) -> AsyncGenerator[LogChunk | Link, None]:
        """Chunks matching `filter_subject` (see `wire.subjects.logs_of_*`): the stored ones, then live, for ever.

        Chunks of one subject come in order and none twice; of the stored ones all, or the `newest`; with `believed` only
        those whose sender, as the bus names it, may tell of their deployment. Link.CAUGHT_UP
        stands behind those that were stored when reading began, at once when there were none, and again after each
        Link.BACK. A bus that is away is waited for: Link.AWAY is told once, Link.BACK once it answers again. Close the
        iterator (`aclosing`) to leave, or cancel the task that reads: once is enough, at any moment.
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
        """Connected once, and again only when it was closed for good."""
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
    last_said = Link.BACK
    while True:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                bus = await connection.bus()
            async with aclosing(_read(bus, filter_subject, position, believed)) as items:
                async for item in items:
                    if item is not last_said:
                        yield item
                    last_said = Link.BACK  # so it is as soon as anything is read
        except (nats.errors.Error, TimeoutError) as error:
            # Said by the connection already, or a stream that the worker has yet to make.
            log.debug("log reader waits", filter=filter_subject, problem=str(error))
            if last_said is Link.BACK:
                last_said = Link.AWAY
                yield last_said
            await asyncio.sleep(RETRY_SECONDS)


def _is_over(connecting: asyncio.Task[Bus]) -> bool:
    """Whether it failed, or was closed for good, as by a server that does not know us any more."""
    if not connecting.done():
        return False
    return (
        connecting.cancelled() or connecting.exception() is not None or connecting.result().client.is_closed
    )


async def _read(
    bus: Bus, filter_subject: str, position: _Position, believed: Believed | None
) -> AsyncGenerator[LogChunk | Link, None]:
    """Read while this connection lasts; Link.BACK first, Link.CAUGHT_UP once. Raises nats.errors.Error when the bus does not answer.

    A reader from before a reconnect stays deaf for a while, so it ends there and a new one begins after its last
    chunk.
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
    """A subscription; none is left behind when this is cancelled."""
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
    """How many chunks were there to be replayed when reading began."""
    info = await subscription.consumer_info()
    return (info.num_pending or 0) + (info.delivered.consumer_seq if info.delivered else 0)


def _chunks(message: Msg, position: _Position) -> list[LogChunk]:
    """What a message brings: nothing when it was read before, is older than wanted, or cannot be read."""
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
