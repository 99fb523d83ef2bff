"""The interface through which the rest of the agent reports, without knowing NATS."""

from typing import Protocol

from seatrial.wire.envelope import Message
from seatrial.wire.logs import LogChunk


class Reports(Protocol):
    """Durable, in order, at least once. A call returns when the event is stored by the bus, or, while the bus is
    away, when it is queued in memory, as the phases of a deployment always are: order is kept and nothing blocks the reconciler for
    long."""

    async def observed(self, message: Message, *, workspace: str, about: str) -> None:
        """Publish one event for the control plane."""

    async def log(self, chunk: LogChunk, *, workspace: str) -> None:
        """Publish one log chunk; dropped (and counted) when the bus stays away longer than its buffer."""
