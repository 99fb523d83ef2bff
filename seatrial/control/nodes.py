"""The nodes of the bus: which do not answer, and what cannot be stored because of it.

The worker looks, and every web process can say what it saw: the cache that they share keeps it for a minute.
"""

from dataclasses import dataclass

import nats.errors
from django.core.cache import cache
from nats.js.api import PeerInfo, StreamInfo

from seatrial.control import streams
from seatrial.control.bus import Bus
from seatrial.wire import subjects

# Nodes of a group tell each other every second that they are there.
SILENT_NANOSECONDS = 5_000_000_000
KEY = "bus.nodes"
KEPT_SECONDS = 60


@dataclass(frozen=True)
class Nodes:
    """What one look found. Names of nodes are those of their configuration."""

    gone: tuple[str, ...] = ()
    halted: tuple[str, ...] = ()  # streams that so few nodes are left of that nothing is stored in them
    short: tuple[str, ...] = ()  # streams with another number of copies than they should have
    copies: int = 1  # that they should have


async def look(bus: Bus) -> Nodes:
    """Look once. Raises nats.errors.Error or TimeoutError if the bus is away."""
    try:
        infos = await streams.every(bus.jetstream)
    except (nats.errors.Error, TimeoutError):
        # Without most of its nodes, the bus has no list of its streams. Whoever has a copy of one still knows of that.
        infos = [await bus.jetstream.stream_info(subjects.OBSERVED_STREAM)]
    return seen(infos, bus.copies)


async def settle(bus: Bus) -> None:
    """Give every stream the copies that it should have, as far as there are nodes for them."""
    await streams.settle(bus.jetstream, await streams.every(bus.jetstream), bus.copies)


def seen(infos: list[StreamInfo], copies: int) -> Nodes:
    """What the streams say of the nodes that keep them."""
    clustered = [info for info in infos if info.cluster is not None]
    gone = {
        str(peer.name)
        for info in clustered
        for peer in (info.cluster.replicas if info.cluster else None) or []
        if _is_gone(peer)
    }
    return Nodes(
        gone=tuple(sorted(gone)),
        halted=tuple(sorted(str(i.config.name) for i in clustered if i.cluster and not i.cluster.leader)),
        short=tuple(sorted(str(i.config.name) for i in infos if i.config.num_replicas != copies)),
        copies=copies,
    )


def _is_gone(peer: PeerInfo) -> bool:
    """A node that catches up is not current either, but is heard of all the time. 0: never heard of."""
    silent = not peer.active or peer.active > SILENT_NANOSECONDS
    return bool(peer.offline) or (not peer.current and silent)


def note(found: Nodes) -> None:
    """Keep it for all processes."""
    cache.set(KEY, found, KEPT_SECONDS)


def noted() -> Nodes:
    """What was seen last; nothing if that is too long ago."""
    found = cache.get(KEY)
    return found if isinstance(found, Nodes) else Nodes()
