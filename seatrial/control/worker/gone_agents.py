"""Deletes what agents that are gone left on the bus: their buckets, with the consumers."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import structlog

from seatrial.control import buckets
from seatrial.control.buckets import DesiredBucket
from seatrial.control.bus import Bus
from seatrial.control.fleet.models import Agent
from seatrial.control.worker.database import Database
from seatrial.wire.envelope import now
from seatrial.wire.states import AgentState

log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 600.0
# If the database does not know the agent: an older backup may have been restored
STRANGER_KEPT = timedelta(days=1)


class GoneAgents:
    """Looks every INTERVAL_SECONDS. Any number of workers may do it at once, because deleting is idempotent."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus

    async def run(self) -> None:
        """Runs for ever."""
        while True:
            await self.once()
            await asyncio.sleep(INTERVAL_SECONDS)

    async def once(self) -> None:
        """Delete the buckets of revoked agents, and those that belong to no known agent and that nobody reads.

        The database is asked after the bus, because a bucket is made after its agent. If an agent registers again in
        between, the next reconcile makes its bucket again.
        """
        present = await buckets.every(self._bus)
        for agent in await self._database.run(_gone, present):
            await buckets.remove(self._bus, agent)
            log.info("bucket removed: its agent is gone", agent=agent)


def _gone(present: Iterable[DesiredBucket]) -> list[str]:
    known = dict(Agent.objects.values_list("pk", "state"))
    return [
        bucket.agent
        for bucket in present
        if known.get(bucket.agent) == AgentState.REVOKED or (bucket.agent not in known and _forgotten(bucket))
    ]


def _forgotten(bucket: DesiredBucket) -> bool:
    return not bucket.watched and now() - bucket.made_at > STRANGER_KEPT
