"""What agents that are gone left on the bus: the bucket of each, with its consumers."""

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
STRANGER_KEPT = timedelta(days=1)  # of an agent that the database does not know: it may have been set back


class GoneAgents:
    """Looks every INTERVAL_SECONDS. Any number of workers may do it: a bucket that is gone is gone."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus

    async def run(self) -> None:
        """For ever."""
        while True:
            await self.once()
            await asyncio.sleep(INTERVAL_SECONDS)

    async def once(self) -> None:
        """Remove the buckets of agents that were revoked, and of those nobody knows and nobody is.

        The database is asked after the bus: a bucket is made after its agent. One that came back in between has its
        bucket again with the next reconcile.
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
