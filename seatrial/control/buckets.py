"""The agents' buckets of desired state: lists those that are on the bus, and deletes them."""

from dataclasses import dataclass
from datetime import datetime

from nats.js.errors import NotFoundError

from seatrial.control import streams
from seatrial.control.bus import Bus
from seatrial.wire import subjects
from seatrial.wire.envelope import now


@dataclass(frozen=True)
class DesiredBucket:
    """The bucket of one agent; `watched`: somebody reads it now."""

    agent: str
    made_at: datetime
    watched: bool


async def every(bus: Bus) -> list[DesiredBucket]:
    """Every bucket of desired state on the bus that its nodes tell of now."""
    named = [(str(info.config.name), info) for info in (await streams.every(bus.client)).infos]
    return [
        DesiredBucket(
            name.removeprefix(streams.BUCKETS), info.created or now(), info.state.consumer_count > 0
        )
        for name, info in named
        if name.startswith(streams.BUCKETS)
    ]


async def remove(bus: Bus, agent: str) -> None:
    """Delete the bucket of `agent` and its consumers. Idempotent."""
    try:
        await bus.jetstream.delete_stream(f"KV_{subjects.desired_bucket(agent)}")
    except NotFoundError:
        return
