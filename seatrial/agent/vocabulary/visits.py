"""Visits to previews: asked for on behalf of policies, and made elsewhere."""

from typing import Protocol

from seatrial.wire.previews import AskVisit, Visited, VisitRefused


class Visits(Protocol):
    """Has previews visited."""

    async def __call__(self, asked: AskVisit) -> Visited | VisitRefused:
        """What came of one visit. Raises NotVisited when nobody could be asked."""


async def nobody(asked: AskVisit) -> Visited | VisitRefused:
    """Where there is no control plane to ask."""
    return VisitRefused(message="nobody visits previews here")
