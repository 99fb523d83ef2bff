"""Repairs what events missed: places environments, compares buckets with the database, notices silent agents."""

import asyncio
from datetime import datetime, timedelta

import structlog
from django.utils import timezone

from seatrial.control.bus import Bus, Marker
from seatrial.control.fleet import services as fleet
from seatrial.control.fleet.models import Agent
from seatrial.control.outbox import services as outbox
from seatrial.control.previews import services as previews
from seatrial.control.previews.desired import as_configured, is_desired
from seatrial.control.previews.models import Placement
from seatrial.control.worker.attention import Attention
from seatrial.control.worker.database import Database
from seatrial.wire.deployments import DesiredEnvironment
from seatrial.wire.envelope import Envelope, now
from seatrial.wire.states import AgentState

log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 10.0
DEAF_AFTER_SECONDS = 3 * INTERVAL_SECONDS  # without a round: well before an agent counts as offline
STRANGER_KEPT = timedelta(hours=1)  # the mark of an environment that the database does not know


class Reconciler:
    """Every INTERVAL_SECONDS, and at once when an agent comes online."""

    def __init__(self, database: Database, bus: Bus, came_online: asyncio.Event) -> None:
        self._database = database
        self._bus = bus
        self._came_online = came_online
        self._listening_since: datetime | None = None
        self._reconnects = -1
        self._attention = Attention(DEAF_AFTER_SECONDS)

    async def run(self) -> None:
        """For ever."""
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
        await self._sweep_agents()
        for agent, registered_at in await self._database.run(_agents):
            await self._compare(agent, registered_at)

    async def _sweep_agents(self) -> None:
        deaf = self._reconnects != self._bus.reconnects or self._attention.was_away()
        if deaf or self._listening_since is None:
            self._reconnects, self._listening_since = self._bus.reconnects, timezone.now()
        offline = await self._database.run(fleet.sweep_offline, listening_since=self._listening_since)
        for agent in offline:
            if failed := await self._database.run(previews.lost_contact, agent):
                log.warning("deployments failed: their agent is offline", agent=agent.name, count=failed)
        self._attention.here()

    async def _compare(self, agent: str, registered_at: datetime) -> None:
        """Make the bucket of `agent` say what the database says.

        What is missing or stale goes through the outbox, so that only the relay ever puts: a put from here could
        bring back what was terminated since we looked. What is not desired is deleted, unless it was put since.
        """
        bucket = await self._bus.desired(agent)
        wanted = await self._database.run(_desired, agent)
        for environment, revision in wanted.items():
            actual = bucket.desired.get(environment)
            if actual is not None and actual.time < registered_at:
                actual = None  # written for an earlier agent of this name, which had another key
            await self._repair(agent, environment, actual, revision)
        for environment in bucket.desired.keys() - wanted.keys():
            if await self._bus.withdraw(agent, environment, bucket.sequences[environment]):
                log.info("undesired environment removed", environment=environment, agent=agent)
        await self._forget(agent, bucket.deleted)

    async def _repair(self, agent: str, environment: str, actual: Envelope | None, revision: int) -> None:
        """Tell the agent again where the bucket has another revision.

        Two things may differ without: what comes of this server's settings, and a database that was restored.
        """
        known = _revision(actual)
        if actual is not None and known == revision and as_configured(actual.payload):
            return
        log.info("desired state repaired", environment=environment, agent=agent)
        if known is None or known < revision:
            await self._database.run(outbox.changed_environment, environment)
        else:  # an agent is deaf to a revision that is not later than what it knows
            await self._database.run(previews.tell, environment, above=known)

    async def _forget(self, agent: str, deleted: dict[str, Marker]) -> None:
        """Take away the marks of deletions that the agent has carried out: it would report them at every start.

        A mark that goes too early costs only time: what nobody desires is removed by the agent's own sweep.
        """
        removed = await self._database.run(_removed, agent, list(deleted))
        for environment, marker in deleted.items():
            stranger = environment not in removed and now() - marker.at > STRANGER_KEPT
            if removed.get(environment, stranger):
                await self._bus.forget(agent, environment, marker)


def _agents() -> list[tuple[str, datetime]]:
    return list(Agent.objects.exclude(state=AgentState.REVOKED).values_list("pk", "registered_at"))


def _desired(agent: str) -> dict[str, int]:
    """{environment: revision} of what the agent is to know of."""
    rows = Placement.objects.filter(agent=agent, removed_at=None).select_related("agent", "environment")
    return {row.environment_id: row.revision for row in rows if is_desired(row)}


def _revision(actual: Envelope | None) -> int | None:
    """The revision in the bucket; None when there is no entry, or one of another version of the message."""
    if actual is None or (actual.kind, actual.version) != (
        DesiredEnvironment.__name__,
        DesiredEnvironment.version,
    ):
        return None
    revision = actual.payload.get("revision")
    return revision if isinstance(revision, int) else None


def _removed(agent: str, environments: list[str]) -> dict[str, bool]:
    """Those of `environments` that we know to be the agent's, and whether it said that nothing of them is left."""
    rows = Placement.objects.filter(agent=agent, environment__in=environments)
    there = rows.values_list("environment", flat=True)
    left = set(rows.filter(removed_at=None).values_list("environment", flat=True))
    return {environment: environment not in left for environment in there}
