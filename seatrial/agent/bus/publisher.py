"""Reports over JetStream: in order, at least once, kept in memory while the bus is away."""

import asyncio
from collections import deque
from dataclasses import dataclass

import structlog

from seatrial.agent.bus.connection import Bus
from seatrial.wire import subjects
from seatrial.wire.deployments import DeploymentPhase, EnvironmentObserved
from seatrial.wire.ending import heeded
from seatrial.wire.envelope import Envelope, Message
from seatrial.wire.errors import WireError
from seatrial.wire.logs import LogChunk

log = structlog.get_logger(__name__)

MAX_EVENTS = 5_000
MAX_CHUNKS = 2_000
PATIENCE_SECONDS = 2.0  # how long a caller waits for the bus before its event stays in the queue
_DISPENSABLE = (EnvironmentObserved, DeploymentPhase)  # dropped first: later state replaces them


@dataclass(eq=False)
class _Item:
    subject: str
    id: str
    data: bytes
    message: Message
    stored: asyncio.Event


class BusReports:
    """`Reports` over one bus. `run` sends; everything else only queues."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._events: deque[_Item] = deque()
        self._chunks: deque[_Item] = deque()
        self._events_due = asyncio.Event()
        self._chunks_due = asyncio.Event()
        self.dropped_lines = 0

    async def observed(self, message: Message, *, workspace: str, about: str) -> None:
        """Publish one event: stored when this returns, or queued when the bus is away. For phases nobody waits: the next event that
        is waited for comes after them."""
        envelope = Envelope.wrap(message, workspace=workspace, about=about)
        item = self._item(subjects.observed(self._bus.agent, message.kind), envelope, message)
        if item is None:
            return
        self._events.append(item)
        self._make_room()
        self._events_due.set()
        if self._bus.connected and not isinstance(message, DeploymentPhase):
            await _within(item.stored, PATIENCE_SECONDS)

    async def log(self, chunk: LogChunk, *, workspace: str) -> None:
        """Queue one chunk. If the queue is full while the bus is connected, wait a little, then drop the chunk."""
        subject = subjects.logs(self._bus.agent, chunk.environment, chunk.deployment, chunk.service)
        item = self._item(subject, Envelope.wrap(chunk, workspace=workspace), chunk)
        if item is None:
            return
        if len(self._chunks) >= MAX_CHUNKS and self._bus.connected:
            await _within(self._chunks[0].stored, PATIENCE_SECONDS)
        if len(self._chunks) >= MAX_CHUNKS:
            self.dropped_lines += len(chunk.lines)
            return
        self._chunks.append(item)
        self._chunks_due.set()

    async def run(self) -> None:
        """Send what is queued, oldest first, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._send(self._events, self._events_due))
            group.create_task(self._send(self._chunks, self._chunks_due))

    async def flush(self, timeout_seconds: float) -> None:
        """Give what is queued a chance to leave before the process ends."""
        for queue in (self._events, self._chunks):
            if queue and self._bus.connected:
                await _within(queue[-1].stored, timeout_seconds)

    async def _send(self, queue: deque[_Item], due: asyncio.Event) -> None:
        while True:
            while queue:
                item = queue[0]
                if await self._stored(item):
                    item.stored.set()
                    if queue and queue[0] is item:
                        queue.popleft()
            due.clear()
            await due.wait()

    async def _stored(self, item: _Item) -> bool:
        jetstream = await self._bus.jetstream()
        try:
            with heeded():
                await jetstream.publish(item.subject, item.data, headers={"Nats-Msg-Id": item.id}, timeout=5)
        except Exception as error:
            # Retry after any error: the id makes a repetition harmless, and the queue is bounded.
            log.warning("report not stored yet; trying again", subject=item.subject, problem=repr(error))
            await asyncio.sleep(0.5)
            return False
        return True

    def _item(self, subject: str, envelope: Envelope, message: Message) -> _Item | None:
        try:
            return _Item(subject, envelope.id, envelope.encode(), message, asyncio.Event())
        except WireError as error:
            log.error("report dropped", problem=str(error))
            return None

    def _make_room(self) -> None:
        if len(self._events) <= MAX_EVENTS:
            return
        spare = next((item for item in self._events if isinstance(item.message, _DISPENSABLE)), None)
        self._events.remove(spare if spare is not None else self._events[0])


async def _within(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
