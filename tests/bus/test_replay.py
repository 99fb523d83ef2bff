"""What is read of a bucket is all that it holds, whatever the client says about the end. Real bus."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from nats.js import JetStreamContext
from nats.js.kv import KeyValue

from seatrial import replay
from seatrial.control.bus import Bus
from seatrial.wire.envelope import Envelope
from seatrial.wire.evaluations import EvaluationStarted

pytestmark = pytest.mark.nats
ANYTHING = Envelope.wrap(EvaluationStarted(evaluation="e"))


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that says at once that nothing was there, as it does when the server is quicker than the wire."""
    monkeypatch.setattr(JetStreamContext.PushSubscription, "delivered", property(lambda subscription: 0))
    ask: Callable[..., Any] = JetStreamContext.PushSubscription.consumer_info

    async def later(subscription: JetStreamContext.PushSubscription) -> Any:
        await asyncio.sleep(0.3)
        return await ask(subscription)

    monkeypatch.setattr(JetStreamContext.PushSubscription, "consumer_info", later)


async def read(bus: Bus) -> list[str | None]:
    """The keys up to the end of what was there, which is None."""
    keys: list[str | None] = []
    async for entry in (there := replay.entries(bus.jetstream, "A")):
        keys.append(entry.key if entry else None)
        if entry is None:
            break
    await there.aclose()
    return keys


@pytest.mark.parametrize("count", [1, 30])
async def test_the_end_comes_after_everything(bus: Bus, hasty: None, count: int) -> None:
    for number in range(count):
        await bus.desire("A", f"e{number}", ANYTHING)
    watcher = await (await bus.ensure_bucket("A")).watchall()
    assert await watcher.updates() is None, (
        "the client itself still says so: when it does not, this can be simpler"
    )
    assert await read(bus) == [f"e{number}" for number in range(count)] + [None]
    assert len((await bus.desired("A")).desired) == count


async def test_deletions_are_told_and_an_empty_bucket_ends_at_once(bus: Bus) -> None:
    await bus.ensure_bucket("A")
    assert await read(bus) == [None]
    await bus.desire("A", "e1", ANYTHING)
    await bus.desire("A", "e1", None)
    assert await read(bus) == ["e1", None]


async def test_a_mark_that_is_removed_meanwhile_is_not_waited_for(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "ENTRY_SECONDS", 0.2)
    await bus.desire("A", "e1", ANYTHING)
    await bus.desire("A", "e2", None)
    marker = (await bus.desired("A")).deleted["e2"]
    watch = KeyValue.watchall

    async def after_it_went(bucket: KeyValue, **options: Any) -> KeyValue.KeyWatcher:
        await bus.forget("A", "e2", marker)
        return await watch(bucket, **options)

    monkeypatch.setattr(KeyValue, "watchall", after_it_went)
    assert await read(bus) == ["e1", None]


async def test_what_does_not_arrive_is_an_error_and_not_an_empty_bucket(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "ENTRY_SECONDS", 0.2)
    await bus.desire("A", "e1", ANYTHING)

    async def silent(watcher: KeyValue.KeyWatcher) -> KeyValue.Entry:
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(KeyValue.KeyWatcher, "__anext__", silent)
    with pytest.raises(TimeoutError):
        await bus.desired("A")
