"""Variables of a deployment: requested when needed, never stored."""

from typing import Protocol

from seatrial.wire.variables import Values


class VariableSource(Protocol):
    """Provides variables."""

    async def __call__(self, environment: str, deployment: str) -> Values:
        """The variables that the deployment began with. May take a minute; raises NoVariables, which says why there are none."""
