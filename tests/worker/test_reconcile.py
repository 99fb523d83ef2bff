"""A bucket says what the database says, and forgets what is over. Real bus, real database."""

import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone

from seatrial.control.bus import Bus
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.worker import reconcile
from seatrial.control.worker.database import Database
from seatrial.control.worker.reconcile import Reconciler
from seatrial.wire.envelope import Envelope
from seatrial.wire.evaluations import EvaluationStarted
from tests import factories as make
from tests.bus.conftest import bus, configuration, nats_server

__all__ = ["bus", "configuration", "nats_server"]
pytestmark = [pytest.mark.nats, pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
ANYTHING = Envelope.wrap(EvaluationStarted(evaluation="e"))


@pytest.fixture
def round_of(database: Database, bus: Bus) -> Reconciler:
    return Reconciler(database, bus, asyncio.Event())


def over(*, removed: bool) -> Environment:
    """A closed pull request's environment; `removed`: its agent said that nothing of it is left."""
    agent = make.agent()
    pull_request = make.pull_request(make.project(make.workspace()), state="closed")
    at = timezone.now()
    return make.environment(
        pull_request, state="terminated", agent=agent, terminated_at=at, removed_at=at if removed else None
    )


async def told_at_start(bus: Bus, agent: str) -> dict[str, str | None]:
    """What an agent that starts now is told about its bucket: each key with its operation."""
    watcher = await (await bus.ensure_bucket(agent)).watchall()
    found = {}
    while (entry := await watcher.updates(60)) is not None:
        found[entry.key] = entry.operation
    await watcher.stop()
    return found


async def deleted(bus: Bus, agent: str, environment: str) -> None:
    await bus.desire(agent, environment, ANYTHING)
    await bus.desire(agent, environment, None)


async def test_a_confirmed_removal_is_not_told_again(
    database: Database, bus: Bus, round_of: Reconciler
) -> None:
    environment = await database.run(over, removed=True)
    await deleted(bus, environment.agent_id, environment.pk)
    assert await told_at_start(bus, environment.agent_id) == {environment.pk: "DEL"}
    await round_of.once()
    assert await told_at_start(bus, environment.agent_id) == {}
    assert (await bus.jetstream.stream_info(f"KV_desired-{environment.agent_id}")).state.messages == 0


async def test_a_removal_that_nobody_confirmed_stays_told(
    database: Database, bus: Bus, round_of: Reconciler
) -> None:
    environment = await database.run(over, removed=False)
    await deleted(bus, environment.agent_id, environment.pk)
    await round_of.once()
    assert await told_at_start(bus, environment.agent_id) == {environment.pk: "DEL"}


async def test_the_mark_of_a_stranger_goes_in_time(
    database: Database, bus: Bus, round_of: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = (await database.run(over, removed=True)).agent_id
    await bus.desire(agent, "01STRANGER", ANYTHING)
    await round_of.once()
    await round_of.once()
    assert await told_at_start(bus, agent) == {"01STRANGER": "DEL"}
    monkeypatch.setattr(reconcile, "STRANGER_KEPT", timedelta(0))
    await round_of.once()
    assert await told_at_start(bus, agent) == {}


def building() -> Environment:
    """Somebody waits for a preview whose agent was last heard an hour ago."""
    an_hour_ago = timezone.now() - timedelta(hours=1)
    agent = make.agent(last_heartbeat_at=an_hour_ago)
    environment = make.environment(
        make.pull_request(make.project(make.workspace())), state="building", agent=agent
    )
    environment.candidate = make.deployment(environment, state="building")
    environment.save()
    Deployment.objects.update(created_at=an_hour_ago)
    return environment


@pytest.mark.parametrize("seconds_away", [5, 3600])
async def test_a_control_plane_that_slept_blames_nobody(
    database: Database, round_of: Reconciler, monkeypatch: pytest.MonkeyPatch, seconds_away: int
) -> None:
    environment = await database.run(building)
    await round_of.once()
    round_of._listening_since = timezone.now() - timedelta(hours=2)
    round_of._attention._last = timezone.now() - timedelta(seconds=seconds_away)
    await round_of.once()
    await database.run(environment.refresh_from_db)
    assert (environment.candidate_id is None) == (seconds_away == 5)


async def test_forgetting_touches_nothing_that_came_later(bus: Bus) -> None:
    await deleted(bus, "A", "e1")
    marker = (await bus.desired("A")).deleted["e1"]
    await bus.desire("A", "e1", ANYTHING)
    await bus.desire("A", "e2", ANYTHING)
    await bus.forget("A", "e1", marker)
    bucket = await bus.desired("A")
    assert (sorted(bucket.desired), bucket.deleted) == (["e1", "e2"], {})


async def test_what_cannot_be_read_is_desired_nevertheless(bus: Bus) -> None:
    await (await bus.ensure_bucket("A")).put("e1", b"nonsense")
    assert (await bus.desired("A")).desired == {"e1": None}
