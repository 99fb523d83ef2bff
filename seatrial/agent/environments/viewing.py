"""What a visitor of a live deployment would reach, past the ingress."""

from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.wire.deployments import ObservedService, PreviewAddress
from seatrial.wire.states import Isolation


@dataclass(frozen=True)
class Viewed:
    """The services of a live deployment as they are now, and the network that its containers are in."""

    network: str
    isolation: Isolation
    address: PreviewAddress
    services: Sequence[ObservedService]

    def hosts(self) -> dict[str, str]:
        """What each name leads to."""
        return {
            self.address.hostname(label): one.endpoint
            for one in self.services
            if one.endpoint
            for label in one.labels
        }

    def host(self, service: str) -> str:
        """What visitors call the service; empty where it cannot be visited now."""
        found = next(
            (one for one in self.services if one.name == service and one.endpoint and one.labels), None
        )
        return self.address.host(found.labels[-1]) if found is not None else ""
