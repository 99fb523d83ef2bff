"""A round of the reconciler asks no more of bus and database for many agents than for one, while nothing changes."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from seatrial.control.bus import Bucket, Bus
from seatrial.control.worker import bucket_book
from seatrial.control.worker.bucket_book import BucketBook
from seatrial.control.worker.database import Database
from seatrial.control.worker.reconcile import Reconciler
from seatrial.control.worker.relay import Relay
from seatrial.control.worker.wakeups import Wakeups
from seatrial.wire.envelope import Envelope
from seatrial.wire.evaluations import EvaluationStarted
from tests import factories as make
from tests.bus.conftest import bus, configuration, nats_server

__all__ = ["bus", "configuration", "nats_server"]
pytestmark = [pytest.mark.nats, pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
ANYTHING = Envelope.wrap(EvaluationStarted(evaluation="e"))


class Counting(Database):
    """Counts its queries."""

    queries = 0

    async def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        def note(execute: Any, *rest: Any) -> Any:
            self.queries += 1
            return execute(*rest)

        def call() -> Any:
            with connection.execute_wrapper(note):
                return function(*args, **kwargs)

        return await super().run(call)


@pytest.fixture
def read(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The agents whose buckets were read."""
    agents: list[str] = []
    desired = bus.desired

    async def noted(agent: str) -> Bucket:
        agents.append(agent)
        return await desired(agent)

    monkeypatch.setattr(bus, "desired", noted)
    return agents


def running(agents: int) -> list[str]:
    """Each agent has a preview."""
    project = make.project(make.workspace())
    made = [make.agent() for _ in range(agents)]
    for agent in made:
        make.running(make.pull_request(project), agent=agent, revision=3)
    return [agent.pk for agent in made]


async def test_a_bucket_is_read_again_once_something_was_written_there(bus: Bus, read: list[str]) -> None:
    book = BucketBook(bus)
    await book.refresh(["one", "two"])
    assert read == ["one", "two"]
    await book.refresh(["one", "two"])
    first = await book.refresh(["one", "two"])
    assert read[2:] == ["one", "two"], "only once more: when they were made, they were in no list yet"
    await bus.desire("two", "e", ANYTHING)
    known = await book.refresh(["one", "two"])
    assert read[4:] == ["two"] and known["two"].told.keys() == {"e"} and known["one"] is first["one"]
    await bus.desire("two", "e", None)
    known = await book.refresh(["one", "two"])
    assert known["two"].told.keys() == set() and known["two"].deleted.keys() == {"e"}
    await bus.forget("two", "e", known["two"].deleted["e"])
    assert (await book.refresh(["one", "two"]))["two"].deleted == {}
    assert read[4:] == ["two"] * 3


async def test_a_bucket_that_is_gone_is_made_again(bus: Bus) -> None:
    book = BucketBook(bus)
    await bus.desire("one", "e", ANYTHING)
    assert (await book.refresh(["one"]))["one"].told.keys() == {"e"}
    await bus.jetstream.delete_stream("KV_desired-one")
    assert (await book.refresh(["one"]))["one"].told == {}
    assert (await bus.jetstream.stream_info("KV_desired-one")).state.messages == 0


async def test_all_are_read_again_now_and_then(
    bus: Bus, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await bus.ensure_bucket("one")
    book = BucketBook(bus)
    await book.refresh(["one"])
    monkeypatch.setattr(bucket_book, "COMPARE_SECONDS", 0.0)
    await book.refresh(["one"])
    assert read == ["one", "one"]


async def test_a_round_makes_as_many_queries_for_many_agents_as_for_few_and_reads_no_bucket(
    bus: Bus, read: list[str]
) -> None:
    database = Counting(2)
    reconciler, relay = Reconciler(database, bus, asyncio.Event()), Relay(database, bus, Wakeups([]))

    async def quiet_round() -> int:
        await reconciler.once()
        while await database.run(relay.batch):
            pass
        await reconciler.once()
        read.clear()
        database.queries = 0
        await reconciler.once()
        assert read == []
        return database.queries

    try:
        agents = await database.run(running, 2)
        few = await quiet_round()
        agents += await database.run(running, 6)
        assert await quiet_round() == few
        await bus.desire(agents[-1], "stranger", ANYTHING)
        await reconciler.once()
        assert read == agents[-1:]
        assert "stranger" not in (await bus.desired(agents[-1])).desired
    finally:
        database.close()
