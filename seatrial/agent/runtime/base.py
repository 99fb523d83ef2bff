"""The contract of a runtime, which the Docker and the process runtime both keep.

Order: networks before containers; containers before their removal; networks and volumes after the last
container on them. Idempotency: creating a name that exists with the same `fingerprint` label returns
the existing object; with another fingerprint it replaces it; removing what is gone succeeds. Concurrency: calls
on different names may run together; the caller serialises calls on one name. Errors: StartError if this one
container cannot run, NeedsEngine if a runtime without an engine lacks what it runs, RuntimeUnavailable if the engine
does not answer (the caller retries on its next reconcile; the runtime itself never retries). Cancellation: a call that creates something completes before
its cancellation does, so that nothing appears afterwards; the result may be incomplete, and the next reconcile finds
it by label and removes or completes it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from seatrial.agent.vocabulary.containers import (
    Change,
    Container,
    ContainerSpec,
    HealthCheck,
    Listener,
    Unwell,
)
from seatrial.agent.vocabulary.disk import Disk
from seatrial.wire.logs import LogLine
from seatrial.wire.words import RuntimeKind


class Runtime(Protocol):
    """See the module's contract."""

    name: RuntimeKind

    @property
    def warnings(self) -> Sequence[str]:
        """Problems of the host; sent in every heartbeat."""

    async def ping(self) -> None:
        """Raise RuntimeUnavailable unless the engine answers."""

    async def uncontained(self) -> str:
        """Why code that nobody trusts cannot run here, with the fix; empty if it can."""

    async def unlimited(self) -> str:
        """Why nothing limits what containers connect to, with the fix; empty if rules do, by the label EGRESS of their networks."""

    async def ensure_network(self, name: str, labels: Mapping[str, str]) -> None:
        """Make the network unless it exists. What its label EGRESS says holds before a container can join it."""

    async def connect(self, container: str, network: str, aliases: Sequence[str]) -> None:
        """Join a running container to one more network; a no-op when joined."""

    async def ensure_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """Make the volume unless it exists."""

    async def has_image(self, image: str) -> bool:
        """Whether the image is on the host."""

    async def image_labels(self, image: str) -> Mapping[str, str]:
        """The image's labels; empty when it is not here."""

    async def image_ports(self, image: str) -> list[int]:
        """TCP ports the image EXPOSEs, ascending; empty when none or when the image is not here."""

    async def image_bytes(self, image: str) -> int | None:
        """The size of all its layers; None when nobody knows, or when the image is not here."""

    async def image_volumes(self, image: str) -> list[str]:
        """Paths that the image declares a VOLUME, sorted; empty when none or when the image is not here."""

    async def image_check(self, image: str) -> HealthCheck | None:
        """The image's own HEALTHCHECK; None when it has none, or when the image is not here."""

    def left_out(self, spec: ContainerSpec) -> list[str]:
        """What `spec` asks for and its container does not get here, one piece of a sentence each."""

    async def start(self, spec: ContainerSpec) -> Container:
        """Create and start; returns the existing container if it already runs with the same fingerprint.

        The container that `network_of` names runs already; one whose network is gone, since that began again, is made anew.
        A container that ends is started again as `restart` says, unless it `stays_down`: then the caller does, by this call."""

    async def get(self, name: str) -> Container | None:
        """The container now, or None."""

    async def check(self, container: Container, network: str, check: HealthCheck) -> Unwell | None:
        """Check once. None if healthy, else why not."""

    async def listening(self, container: Container, network: str) -> list[Listener]:
        """TCP ports the container listens on now, ascending; empty if there are none or they cannot be determined."""

    async def list_containers(self, labels: Mapping[str, str]) -> list[Container]:
        """All containers carrying every one of `labels`, running or not."""

    async def list_networks(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """{name: labels} of matching networks."""

    async def list_volumes(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """{name: labels} of matching volumes."""

    async def list_images(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """{reference: labels} of matching images."""

    async def disk(self, labels: Mapping[str, str]) -> Disk:
        """What the host's disk holds: one by one, of what carries every one of `labels`. It takes long. Empty where nobody knows."""

    async def stop(self, name: str, grace_seconds: float) -> None:
        """Ask the container to end, then end it."""

    async def pause(self, name: str) -> None:
        """Give it no more processor time; what it has in memory stays. A runtime that cannot do so ends it. A no-op unless it runs."""

    async def unpause(self, name: str) -> None:
        """Let a paused container go on; a no-op if it is not paused."""

    async def remove(self, name: str) -> None:
        """Remove the container, running or not, and its anonymous volumes."""

    async def remove_network(self, name: str) -> None:
        """Remove the network."""

    async def remove_volume(self, name: str) -> None:
        """Remove the volume and what it holds."""

    async def remove_image(self, reference: str) -> None:
        """Remove this tag, and the image when it was the last; a no-op while a container uses it."""

    def logs(
        self, name: str, *, follow: bool, tail: int | None = None, since: datetime | None = None
    ) -> AsyncIterator[LogLine]:
        """Lines of the container, oldest first, none at or before `since`; ends when it exits (or at once unless
        `follow`). Empty when there is no such container."""

    def changes(self, labels: Mapping[str, str]) -> AsyncIterator[Change]:
        """Changes of matching containers, as they happen. Ends when the engine stops; re-list then."""
