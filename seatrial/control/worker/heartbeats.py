"""Handles agents' heartbeats, and jobs that the bus gives up. Both come over plain NATS and are not stored there."""

import asyncio
import json

import structlog
from nats.aio.msg import Msg

from seatrial.control.bus import Bus
from seatrial.control.fleet import services as fleet
from seatrial.control.policies import services as policies
from seatrial.control.worker.database import Database
from seatrial.control.worker.observed import storable
from seatrial.wire import subjects
from seatrial.wire.agents import Heartbeat
from seatrial.wire.envelope import Envelope
from seatrial.wire.errors import WireError
from seatrial.wire.evaluations import RunEvaluation

log = structlog.get_logger(__name__)

GIVEN_UP = (
    f"$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.{subjects.JOBS_STREAM}.{subjects.EVALUATIONS_CONSUMER}"
)


class Heartbeats:
    """Records which agents are alive. Sets `came_online` when an agent was offline before."""

    def __init__(self, database: Database, bus: Bus, came_online: asyncio.Event) -> None:
        self._database = database
        self._bus = bus
        self._came_online = came_online

    async def run(self) -> None:
        """Runs for ever."""
        subscription = await self._bus.client.subscribe(subjects.HEARTBEATS)
        try:
            async for message in subscription.messages:
                await self._note(message)
        finally:
            await subscription.unsubscribe()

    async def _note(self, message: Msg) -> None:
        try:
            envelope = Envelope.decode(message.data)
            beat = envelope.model_copy(update={"payload": storable(envelope.payload)}).open()
        except WireError as error:
            log.warning("heartbeat skipped", subject=message.subject, error=str(error))
            return
        agent = subjects.agent_of(message.subject)
        if isinstance(beat, Heartbeat) and await self._database.run(fleet.heartbeat, agent, beat):
            log.info("agent is online", agent=agent)
            self._came_online.set()


class GivenUp:
    """Gives up evaluations whose job was delivered as often as allowed but never finished: agents seem to die of it."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus

    async def run(self) -> None:
        """Runs for ever. The sweep for lost evaluations finds those whose advisory was missed."""
        subscription = await self._bus.client.subscribe(GIVEN_UP)
        try:
            async for message in subscription.messages:
                await self._give_up(int(json.loads(message.data)["stream_seq"]))
        finally:
            await subscription.unsubscribe()

    async def _give_up(self, sequence: int) -> None:
        stored = await self._bus.jetstream.get_msg(subjects.JOBS_STREAM, seq=sequence)
        job = Envelope.decode(stored.data or b"").open()
        if isinstance(job, RunEvaluation):
            reason = "Given up: every agent that took it died before it finished."
            await self._database.run(policies.give_up, job.evaluation, reason)
        await self._bus.jetstream.delete_msg(subjects.JOBS_STREAM, sequence)
