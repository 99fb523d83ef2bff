"""A bucket agrees with the database, and keeps nothing that is over. Real bus, real database."""

import asyncio
import contextlib
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.bus import Bus
from seatrial.control.fleet.models import Agent
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.previews import services as previews
from seatrial.control.previews.models import Deployment, Environment, Placement
from seatrial.control.worker import reconcile
from seatrial.control.worker.database import Database
from seatrial.control.worker.reconcile import Reconciler
from seatrial.control.worker.relay import Relay
from seatrial.control.worker.wakeups import Wakeups
from seatrial.replay import entries
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


def over(*, removed: bool) -> Placement:
    """Of a closed pull request; `removed`: the agent said that nothing of it is left."""
    agent = make.agent()
    pull_request = make.pull_request(make.project(make.workspace()), state="closed")
    at = timezone.now()
    environment = make.environment(
        pull_request, state="terminated", agent=agent, terminated_at=at, removed_at=at if removed else None
    )
    return environment.placements.get()


def running() -> Placement:
    """Of an environment that runs."""
    environment = make.running(
        make.pull_request(make.project(make.workspace())), agent=make.agent(), revision=3
    )
    return environment.placements.get()


async def told_at_start(bus: Bus, agent: str) -> dict[str, str | None]:
    """The entries that an agent which starts now gets from its bucket: each key with its operation."""
    await bus.ensure_bucket(agent)
    operations = {}
    async with contextlib.aclosing(entries(bus.jetstream, agent)) as there:
        async for entry in there:
            if entry is None:
                break
            operations[entry.key] = entry.operation
    return operations


async def deleted(bus: Bus, agent: str, environment: str) -> None:
    await bus.desire(agent, environment, ANYTHING)
    await bus.desire(agent, environment, None)


async def test_a_confirmed_removal_is_not_sent_again(
    database: Database, bus: Bus, round_of: Reconciler
) -> None:
    placement = await database.run(over, removed=True)
    await deleted(bus, placement.agent_id, placement.environment_id)
    assert await told_at_start(bus, placement.agent_id) == {placement.environment_id: "DEL"}
    await round_of.once()
    assert await told_at_start(bus, placement.agent_id) == {}
    assert (await bus.jetstream.stream_info(f"KV_desired-{placement.agent_id}")).state.messages == 0


async def test_an_unconfirmed_removal_stays_in_the_bucket(
    database: Database, bus: Bus, round_of: Reconciler
) -> None:
    placement = await database.run(over, removed=False)
    await deleted(bus, placement.agent_id, placement.environment_id)
    await round_of.once()
    assert await told_at_start(bus, placement.agent_id) == {placement.environment_id: "DEL"}


async def repaired(database: Database, bus: Bus, round_of: Reconciler) -> None:
    """A round, and what it asked of the relay."""
    await round_of.once()
    relay = Relay(database, bus, Wakeups([]))
    while await database.run(relay.batch):
        pass


async def message_to(bus: Bus, placement: Placement) -> Envelope | None:
    return (await bus.desired(placement.agent_id)).desired.get(placement.environment_id)


async def sequence(bus: Bus, placement: Placement) -> int:
    return (await bus.desired(placement.agent_id)).sequences[placement.environment_id]


async def test_what_is_missing_is_put_and_what_is_the_same_revision_is_left(
    database: Database, bus: Bus, round_of: Reconciler
) -> None:
    placement = await database.run(running)
    await repaired(database, bus, round_of)
    envelope = await message_to(bus, placement)
    assert envelope is not None and envelope.payload["revision"] == 3
    before = await sequence(bus, placement)
    await repaired(database, bus, round_of)
    assert await sequence(bus, placement) == before
    await database.run(Placement.objects.update, revision=4)
    await repaired(database, bus, round_of)
    envelope = await message_to(bus, placement)
    assert envelope is not None and envelope.payload["revision"] == 4


async def test_a_stop_and_its_end_are_told_although_every_message_is_lost(
    database: Database, bus: Bus, round_of: Reconciler
) -> None:
    """The end is in the row: whoever was killed in between, the agent is told to remove everything, volumes too."""
    placement = await database.run(running)
    await repaired(database, bus, round_of)

    def stop() -> None:
        previews.stop(placement.environment, by=Actor.person("alice"))
        OutboxMessage.objects.all().delete()

    await database.run(stop)
    await repaired(database, bus, round_of)
    envelope = await message_to(bus, placement)
    assert envelope is not None
    assert envelope.payload["running"] is False and envelope.payload["live"] is not None

    def end() -> None:
        Environment.objects.update(undo_until=timezone.now())
        previews.expire()
        OutboxMessage.objects.all().delete()

    await database.run(end)
    await repaired(database, bus, round_of)
    assert await message_to(bus, placement) is None
    assert await told_at_start(bus, placement.agent_id) == {placement.environment_id: "DEL"}


async def test_other_settings_are_sent_with_a_higher_revision(
    database: Database, bus: Bus, round_of: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    placement = await database.run(running)
    await repaired(database, bus, round_of)
    monkeypatch.setattr(settings.CONFIGURATION, "galley_preview_port", 4_242)
    await repaired(database, bus, round_of)
    envelope = await message_to(bus, placement)
    assert envelope is not None
    assert (envelope.payload["revision"], envelope.payload["address"]["port"]) == (4, 4_242)


async def test_a_database_that_was_set_back_goes_on_above_what_agents_know(
    database: Database, bus: Bus, round_of: Reconciler
) -> None:
    placement = await database.run(running)
    await database.run(Placement.objects.update, revision=9)
    await repaired(database, bus, round_of)
    await database.run(Placement.objects.update, revision=3)
    await repaired(database, bus, round_of)
    envelope = await message_to(bus, placement)
    assert envelope is not None and envelope.payload["revision"] == 10


async def test_an_agent_with_another_key_gets_every_desired_state_anew(
    database: Database, bus: Bus, round_of: Reconciler
) -> None:
    placement = await database.run(running)
    await repaired(database, bus, round_of)
    before = await sequence(bus, placement)
    await database.run(Agent.objects.update, registered_at=timezone.now())
    await repaired(database, bus, round_of)
    assert await sequence(bus, placement) > before


@pytest.mark.parametrize("over_since", [timedelta(0), timedelta(hours=1)])
async def test_a_key_goes_when_its_placement_has_left_and_not_before(
    database: Database, bus: Bus, round_of: Reconciler, over_since: timedelta
) -> None:
    placement = await database.run(running)
    await repaired(database, bus, round_of)
    left = timezone.now() - over_since
    await database.run(Placement.objects.update, leaving_since=left)
    await repaired(database, bus, round_of)
    assert (await message_to(bus, placement) is None) == (over_since > timedelta(0))


async def test_an_older_revision_does_not_overwrite_or_delete_a_later_one(bus: Bus) -> None:
    def of(revision: int) -> Envelope:
        return ANYTHING.model_copy(update={"payload": {"revision": revision}})

    async def known() -> dict[str, int]:
        return {
            key: one.payload["revision"] if one else 0
            for key, one in (await bus.desired("A")).desired.items()
        }

    await bus.desire("A", "e1", of(5), revision=5)
    stale = (await bus.desired("A")).sequences["e1"]
    await bus.desire("A", "e1", of(4), revision=4)
    await bus.desire("A", "e1", None, revision=4)
    assert await known() == {"e1": 5}
    await bus.desire("A", "e1", of(6), revision=6)
    assert not await bus.withdraw("A", "e1", stale)
    assert await known() == {"e1": 6}
    await bus.desire("A", "e1", None, revision=6)
    assert await known() == {}
    await bus.desire("A", "e1", of(7), revision=7)
    assert await known() == {"e1": 7}
    await bus.desire("A", "e2", None, revision=1)
    assert "e2" in (await bus.desired("A")).deleted, "whoever missed the key is told that it is gone"


async def test_two_who_write_at_once_leave_the_later_revision(bus: Bus) -> None:
    def of(revision: int) -> Envelope:
        return ANYTHING.model_copy(update={"payload": {"revision": revision}})

    await bus.ensure_bucket("A")
    writes = [bus.desire("A", "e1", of(n) if n % 5 else None, revision=n) for n in range(1, 25)]
    await asyncio.gather(*writes)
    envelope = (await bus.desired("A")).desired["e1"]
    assert envelope is not None and envelope.payload["revision"] == 24


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
