"""Evaluation jobs from the shared work queue: fetched one at a time, acknowledged when done."""

import asyncio

import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from seatrial.agent.bus.connection import Bus
from seatrial.wire import subjects
from seatrial.wire.ending import heeded
from seatrial.wire.envelope import Envelope, Message
from seatrial.wire.errors import WireError

log = structlog.get_logger(__name__)


class Job:
    """One delivery. Unless `ack`ed or kept alive with `in_progress`, another agent gets it after the ack wait."""

    def __init__(self, msg: Msg, envelope: Envelope, message: Message) -> None:
        self.envelope = envelope
        self.message = message
        self._msg = msg

    @property
    def deliveries(self) -> int:
        """How often this job was handed out, this time included."""
        return int(self._msg.metadata.num_delivered)

    async def ack(self) -> None:
        """Report that the job is done. It is never delivered again."""
        await self._msg.ack()

    async def in_progress(self) -> None:
        """Report that the job is still being worked on: the ack wait starts anew."""
        await self._msg.in_progress()

    async def nak(self, delay_seconds: float | None = None) -> None:
        """Give the job back, to be delivered again after `delay_seconds`."""
        await self._msg.nak(delay=delay_seconds)

    async def term(self) -> None:
        """Drop the job, because it cannot succeed. It is never delivered again."""
        await self._msg.term()


class Jobs:
    """The queue of policy evaluations."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._subscription: JetStreamContext.PullSubscription | None = None
        self._session = 0
        # Two requests on one subscription would read each other's answers.
        self._one_at_a_time = asyncio.Lock()

    async def fetch(self, timeout_seconds: float = 5.0) -> Job | None:
        """The next job, or None if none came in time. An unreadable job is dropped with a log line."""
        async with self._one_at_a_time:
            with heeded():
                subscription = await self._bound()
            try:
                with heeded():
                    messages = await subscription.fetch(1, timeout=timeout_seconds)
            except (nats.errors.TimeoutError, nats.errors.ConnectionClosedError):
                return None
        for msg in messages:
            try:
                envelope = Envelope.decode(msg.data)
                return Job(msg, envelope, envelope.open())
            except WireError as error:
                log.error("job dropped", problem=str(error))
                await msg.term()
        return None

    async def _bound(self) -> JetStreamContext.PullSubscription:
        jetstream = await self._bus.jetstream()
        if self._subscription is None or self._session != self._bus.session:
            self._session = self._bus.session
            self._subscription = await jetstream.pull_subscribe_bind(
                subjects.EVALUATIONS_CONSUMER, stream=subjects.JOBS_STREAM
            )
        return self._subscription
