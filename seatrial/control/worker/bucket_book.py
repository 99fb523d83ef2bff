"""Keeps what this worker knows about the agents' buckets: each is read again only after something was written there."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from nats.js.api import StreamInfo

from seatrial.control import streams
from seatrial.control.bus import Bucket, Bus, Marker
from seatrial.control.previews.desired import as_configured
from seatrial.wire.deployments import DesiredEnvironment
from seatrial.wire.envelope import Envelope

COMPARE_SECONDS = 300.0  # all are read again, in case one changed and its numbers did not
Stamp = tuple[object, ...]


@dataclass(frozen=True)
class Entry:
    """What an agent was told of one environment. `revision` None: in another version of the message."""

    revision: int | None
    at: datetime
    as_configured: bool  # with the settings that this server has now

    @classmethod
    def of(cls, envelope: Envelope | None) -> "Entry | None":
        """None if it cannot be read."""
        if envelope is None:
            return None
        return cls(_revision(envelope), envelope.time, as_configured(envelope.payload))


@dataclass(frozen=True)
class Known:
    """What one bucket held when it was read; see `control.bus.Bucket`."""

    told: Mapping[str, Entry | None]
    sequences: Mapping[str, int]
    deleted: Mapping[str, Marker]

    @classmethod
    def of(cls, bucket: Bucket) -> "Known":
        """Of each entry only what is compared: envelopes of many previews are large."""
        told = {environment: Entry.of(envelope) for environment, envelope in bucket.desired.items()}
        return cls(told, bucket.sequences, bucket.deleted)


class BucketBook:
    """The bus lists all streams in one answer, with numbers that every write changes. Only one call at a time."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._known: dict[str, tuple[Stamp, Known]] = {}
        self._compared_at = time.monotonic()

    async def refresh(self, agents: Collection[str]) -> dict[str, Known]:
        """What the bucket of each of `agents` holds, at the time of the call or later. Missing ones are made.

        Raises what `Bus.desired` and `streams.every` raise when the bus goes away meanwhile.
        """
        if time.monotonic() - self._compared_at > COMPARE_SECONDS:
            self._known.clear()
            self._compared_at = time.monotonic()
        listed = await streams.every(
            self._bus.client
        )  # before any is read: what is written since shows the next time
        stamps = {str(info.config.name).removeprefix(streams.BUCKETS): _stamp(info) for info in listed.infos}
        self._known = {agent: await self._of(agent, stamps.get(agent)) for agent in agents}
        return {agent: known for agent, (_, known) in self._known.items()}

    async def _of(self, agent: str, stamp: Stamp | None) -> tuple[Stamp, Known]:
        before = self._known.get(agent)
        if before is not None and before[0] == stamp:
            return before
        return stamp or (), Known.of(await self._bus.desired(agent))


def _stamp(info: StreamInfo) -> Stamp:
    state = info.state
    return info.created, state.first_seq, state.last_seq, state.messages, state.num_deleted


def _revision(envelope: Envelope) -> int | None:
    if (envelope.kind, envelope.version) != (DesiredEnvironment.__name__, DesiredEnvironment.version):
        return None
    revision = envelope.payload.get("revision")
    return revision if isinstance(revision, int) else None
