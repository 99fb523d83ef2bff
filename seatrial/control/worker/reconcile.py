"""Repairs what events missed: places environments, compares buckets with the database, notices silent agents."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.utils import timezone

from seatrial.control.bus import Bus, Marker
from seatrial.control.fleet import services as fleet
from seatrial.control.fleet.models import Agent
from seatrial.control.outbox import services as outbox
from seatrial.control.previews import services as previews
from seatrial.control.previews.desired import desired_placements
from seatrial.control.previews.models import Placement
from seatrial.control.previews.snapshots import of_agents
from seatrial.control.worker.attention import Attention
from seatrial.control.worker.bucket_book import BucketBook, Entry, Known
from seatrial.control.worker.database import Database
from seatrial.control.worker.relay import keep_snapshot
from seatrial.wire.envelope import now
from seatrial.wire.states import AgentState

log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 10.0
DEAF_AFTER_SECONDS = 3 * INTERVAL_SECONDS  # after so long without a round we may have missed heartbeats
STRANGER_KEPT = timedelta(hours=1)  # for the marker of an environment that the database does not know


@dataclass(frozen=True)
class Wanted:
    """What one agent must know about: the revision of each environment, and the snapshots that may be on its host."""

    revisions: dict[str, int] = field(default_factory=dict)
    snapshots: set[str] = field(default_factory=set)


class Reconciler:
    """Reconciles every INTERVAL_SECONDS, and at once when an agent comes online."""

    def __init__(self, database: Database, bus: Bus, came_online: asyncio.Event) -> None:
        self._database = database
        self._bus = bus
        self._came_online = came_online
        self._listening_since: datetime | None = None
        self._reconnects = -1
        self._attention = Attention(DEAF_AFTER_SECONDS)
        self._book = BucketBook(bus)

    async def run(self) -> None:
        """Runs for ever."""
        while True:
            await self.once()
            try:
                # Python 3.11's wait_for can lose a cancellation.
                async with asyncio.timeout(INTERVAL_SECONDS):
                    await self._came_online.wait()
            except TimeoutError:
                continue
            self._came_online.clear()

    async def once(self) -> None:
        """One round."""
        await self._bus.ensure_streams()
        await self._database.run(previews.place_waiting)
        await self._database.run(previews.leave_draining)
        await self._sweep_agents()
        agents = await self._database.run(_agents)
        buckets = await self._book.refresh(agents)
        # After the buckets: what is put meanwhile is desired here, and its key not withdrawn.
        wanted = await self._database.run(_wanted)
        for agent, registered_at in agents.items():
            await self._compare(agent, registered_at, buckets[agent], wanted.get(agent, Wanted()))

    async def _sweep_agents(self) -> None:
        deaf = self._reconnects != self._bus.reconnects or self._attention.was_away()
        if deaf or self._listening_since is None:
            self._reconnects, self._listening_since = self._bus.reconnects, timezone.now()
        offline = await self._database.run(fleet.sweep_offline, listening_since=self._listening_since)
        for agent in offline:
            if failed := await self._database.run(previews.lost_contact, agent):
                log.warning("deployments failed: their agent is offline", agent=agent.name, count=failed)
        self._attention.here()

    async def _compare(self, agent: str, registered_at: datetime, bucket: Known, wanted: Wanted) -> None:
        """Make the bucket of `agent` match the database.

        Missing or stale entries are written through the outbox, so that only the relay puts any: if we put one here, we
        could bring back an environment that was terminated since we read the database. An entry that is not desired is
        deleted, unless it was put since we read the bucket.
        """
        for environment, revision in wanted.revisions.items():
            actual = bucket.told.get(environment)
            if actual is not None and actual.at < registered_at:
                actual = None  # written for the agent that had this name before, with another key
            await self._repair(agent, environment, actual, revision)
        for snapshot in wanted.snapshots - bucket.told.keys():
            await keep_snapshot(self._bus, agent, snapshot)
        for environment in bucket.told.keys() - wanted.revisions.keys() - wanted.snapshots:
            if await self._bus.withdraw(agent, environment, bucket.sequences[environment]):
                log.info("undesired environment removed", environment=environment, agent=agent)
        await self._forget(agent, bucket.deleted)

    async def _repair(self, agent: str, environment: str, actual: Entry | None, revision: int) -> None:
        """Send the desired state again if the bucket has another revision, or other settings of this server.

        The bucket's revision is higher than ours when the database was restored from a backup.
        """
        known = actual.revision if actual is not None else None
        if actual is not None and known == revision and actual.as_configured:
            return
        log.info("desired state repaired", environment=environment, agent=agent)
        if known is None or known < revision:
            await self._database.run(outbox.changed_environment, environment)
        else:  # an agent ignores a revision that is not higher than the one it knows
            await self._database.run(previews.tell, environment, above=known)

    async def _forget(self, agent: str, deleted: Mapping[str, Marker]) -> None:
        """Remove the markers of deletions that the agent has carried out, or it would report them again at every start.

        Removing a marker too early only costs time: the agent's own sweep removes whatever nobody desires.
        """
        if not deleted:
            return
        removed = await self._database.run(_removed, agent, list(deleted))
        for environment, marker in deleted.items():
            stranger = environment not in removed and now() - marker.at > STRANGER_KEPT
            if removed.get(environment, stranger):
                await self._bus.forget(agent, environment, marker)


def _agents() -> dict[str, datetime]:
    """When each that is not revoked has registered."""
    return dict(Agent.objects.exclude(state=AgentState.REVOKED).values_list("pk", "registered_at"))


def _wanted() -> dict[str, Wanted]:
    """What each agent must know about; two queries for all of them."""
    wanted: dict[str, Wanted] = defaultdict(Wanted)
    for row in desired_placements():
        wanted[row.agent_id].revisions[row.environment_id] = row.revision
    for agent, snapshot in of_agents():
        wanted[agent].snapshots.add(snapshot)
    return wanted


def _removed(agent: str, environments: list[str]) -> dict[str, bool]:
    """For each of `environments` that was placed on the agent: has the agent reported that nothing of it is left?"""
    rows = Placement.objects.filter(agent=agent, environment__in=environments)
    there = rows.values_list("environment", flat=True)
    left = set(rows.filter(removed_at=None).values_list("environment", flat=True))
    return {environment: environment not in left for environment in there}
