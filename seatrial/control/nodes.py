"""The nodes of the bus: which do not answer, and what cannot be stored because of it.

The worker looks, and every web process can say what it saw: the cache that they share keeps it for a minute.
"""

from dataclasses import dataclass

import nats.errors
from django.core.cache import cache
from nats.js.api import PeerInfo

from seatrial.control import streams
from seatrial.control.bus import Bus
from seatrial.control.streams import Listed
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
        listed = await streams.every(bus.client)
    except (nats.errors.Error, TimeoutError):
        # Without most of its nodes, the bus has no list of its streams. Whoever has a copy of one still knows of that.
        listed = Listed([await bus.jetstream.stream_info(subjects.OBSERVED_STREAM)], [])
    return seen(listed, bus.copies)


async def settle(bus: Bus) -> None:
    """Give every stream the copies that it should have, as far as there are nodes for them."""
    await streams.settle(bus.jetstream, (await streams.every(bus.client)).infos, bus.copies)


def seen(listed: Listed, copies: int) -> Nodes:
    """What the streams say of the nodes that keep them. A stream that nobody told of has no leader, or a new one."""
    clustered = [info for info in listed.infos if info.cluster is not None]
    leaderless = [str(i.config.name) for i in clustered if i.cluster and not i.cluster.leader]
    gone = {
        str(peer.name)
        for info in clustered
        for peer in (info.cluster.replicas if info.cluster else None) or []
        if _is_gone(peer)
    }
    return Nodes(
        gone=tuple(sorted(gone)),
        halted=tuple(sorted(leaderless + listed.silent)),
        short=tuple(sorted(str(i.config.name) for i in listed.infos if i.config.num_replicas != copies)),
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
