"""Buckets of desired state, as far as they are found by looking at the bus: whose there are, and how one goes."""

from dataclasses import dataclass
from datetime import datetime

from nats.js.api import StreamInfo
from nats.js.errors import NotFoundError

from seatrial.control.bus import Bus
from seatrial.wire import subjects
from seatrial.wire.envelope import now

PREFIX = f"KV_{subjects.desired_bucket('')}"


@dataclass(frozen=True)
class DesiredBucket:
    """The bucket of one agent; `watched`: somebody reads it now."""

    agent: str
    made_at: datetime
    watched: bool


async def every(bus: Bus) -> list[DesiredBucket]:
    """Every bucket of desired state that there is."""
    infos: list[StreamInfo] = []
    while page := await bus.jetstream.streams_info(offset=len(infos)):
        infos += page
    named = [(str(info.config.name), info) for info in infos]
    return [
        DesiredBucket(name.removeprefix(PREFIX), info.created or now(), info.state.consumer_count > 0)
        for name, info in named
        if name.startswith(PREFIX)
    ]


async def remove(bus: Bus, agent: str) -> None:
    """The bucket of `agent` goes, with whoever reads it. Idempotent."""
    try:
        await bus.jetstream.delete_stream(f"KV_{subjects.desired_bucket(agent)}")
    except NotFoundError:
        return
