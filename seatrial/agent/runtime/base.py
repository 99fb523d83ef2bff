"""What runs services: the contract that the Docker and the process runtime both keep.

Order: networks before containers; containers before their removal; networks and volumes after the last
container on them. Idempotency: every create on a name that exists with the same `fingerprint` label returns
what exists; with another fingerprint it replaces it; every remove of what is gone succeeds. Concurrency: calls
on different names may run together; the caller serialises calls on one name. Errors: StartError when this one
container cannot run, RuntimeUnavailable when the engine does not answer (the caller retries on its next
reconcile; the runtime itself never retries). Cancellation: a call that makes something ends before its
cancellation does, so that whoever looks afterwards sees all there will be; it may be half made, and the next
reconcile finds it by label and removes or completes it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from seatrial.wire.logs import LogLine
from seatrial.wire.states import Isolation

# Labels on everything made here. `galley.managed=true` is the operator's documented clean-up filter.
MANAGED = "galley.managed"
AGENT = "galley.agent"
WORKSPACE = "galley.workspace"
ENVIRONMENT = "galley.environment"
DEPLOYMENT = "galley.deployment"
SERVICE = "galley.service"
KIND = "galley.kind"
# Hash of the recipe's facts: tells an unchanged service from a changed one.
FINGERPRINT = "galley.fingerprint"
MADE_FOR = "galley.made-for"  # the deployment that made a container which outlives deployments

USUAL_ASK_SECONDS = 30.0  # for one go of a health command, as with the engine
LEAST_HEALTH_SECONDS = 60.0
LONGEST_HEALTH_SECONDS = 600.0


@dataclass(frozen=True)
class Resources:
    """Limits of one container."""

    cpus: float = 1.0
    memory_mb: int = 512
    pids: int = 512


@dataclass(frozen=True)
class Mount:
    """A named volume at a path. Host paths are never mounted."""

    volume: str  # empty: a new one for this container, filled from its image and removed with it
    path: str
    read_only: bool = False


@dataclass(frozen=True)
class Copy:
    """A file or folder of the commit that is in the container at `target` before it starts."""

    source: str  # relative to the repository's root; "." is all of it
    target: str


class Files(Protocol):
    """Files to put into a new container. The same `digest` means the same files."""

    digest: str

    def packed(self) -> AbstractAsyncContextManager[Path]:
        """A tar archive, paths relative to the container's root; gone when the context ends."""


@dataclass(frozen=True)
class HealthCheck:
    """How a container is asked whether it is well: HTTP on a port, an open TCP port, or a command inside."""

    http_path: str | None = None
    status: int = 200  # 0: any answer below 500
    port: int | None = None
    command: Sequence[str] | None = None
    timeout_seconds: float = 60.0
    interval_seconds: float = 0.25
    ask_seconds: float = USUAL_ASK_SECONDS  # a command that has not ended by then has failed

    @classmethod
    def inside(
        cls, command: Sequence[str], *, interval: float, timeout: float, retries: int, start_period: float
    ) -> "HealthCheck":
        """A command inside, waited for as long as the engine would before it calls the container unhealthy."""
        patience = start_period + retries * (interval + timeout)
        whole = min(max(LEAST_HEALTH_SECONDS, patience), LONGEST_HEALTH_SECONDS)
        return cls(
            command=command,
            timeout_seconds=whole,
            interval_seconds=interval,
            ask_seconds=min(timeout or USUAL_ASK_SECONDS, whole),
        )


@dataclass(frozen=True)
class ContainerSpec:
    """Everything needed to run one service. `networks` maps a network to the aliases it has there."""

    name: str
    image: str
    labels: Mapping[str, str]
    networks: Mapping[str, Sequence[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    command: Sequence[str] | None = None
    entrypoint: Sequence[str] | None = None
    working_dir: str | None = None
    user: str | None = None
    port: int | None = None  # what the service listens on, when known
    mounts: Sequence[Mount] = ()
    files: Files | None = None  # never with the process runtime, whose services run in the tree itself
    resources: Resources = Resources()
    restart: str = "unless-stopped"  # unless-stopped | on-failure | never
    isolation: Isolation | None = None
    source_tree: Path | None = None  # process runtime only: where the code is


@dataclass(frozen=True)
class Container:
    """A container as it is now. `addresses` maps a network to the IP address there."""

    name: str
    labels: Mapping[str, str]
    state: str  # created | running | restarting | exited | dead
    exit_code: int | None
    addresses: Mapping[str, str]
    image: str
    started_at: datetime | None = None
    oom_killed: bool = False
    restarts: int = 0
    port: int | None = None  # process runtime: the port it was given instead of the one it asked for


@dataclass(frozen=True)
class Listener:
    """A TCP port that a container listens on. `loopback`: only on 127.0.0.1 or ::1, so nobody else reaches it."""

    port: int
    loopback: bool = False


@dataclass(frozen=True)
class Change:
    """Something happened to a labelled container: re-read it. `action` is informative only."""

    name: str
    labels: Mapping[str, str]
    action: str


class Runtime(Protocol):
    """See the module's contract."""

    name: str  # docker | process

    @property
    def warnings(self) -> Sequence[str]:
        """What is wrong with the host; told in every heartbeat."""

    async def ping(self) -> None:
        """Raise RuntimeUnavailable unless the engine answers."""

    async def isolation(self) -> Isolation:
        """The best isolation on offer here for untrusted code."""

    async def ensure_network(self, name: str, labels: Mapping[str, str]) -> None:
        """Make the network unless it exists."""

    async def connect(self, container: str, network: str, aliases: Sequence[str]) -> None:
        """Join a running container to one more network; a no-op when joined."""

    async def ensure_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """Make the volume unless it exists."""

    async def has_image(self, image: str) -> bool:
        """Whether the image is on the host."""

    async def image_ports(self, image: str) -> list[int]:
        """TCP ports the image EXPOSEs, ascending; empty when none or when the image is not here."""

    async def image_volumes(self, image: str) -> list[str]:
        """Paths that the image declares a VOLUME, sorted; empty when none or when the image is not here."""

    async def image_check(self, image: str) -> HealthCheck | None:
        """The image's own HEALTHCHECK; None when it has none, or when the image is not here."""

    async def start(self, spec: ContainerSpec) -> Container:
        """Create and start; returns what exists when it already runs with the same fingerprint."""

    async def get(self, name: str) -> Container | None:
        """The container now, or None."""

    async def check(self, container: Container, network: str, check: HealthCheck) -> str | None:
        """Ask once. None when well, else one sentence saying what was seen."""

    async def listening(self, container: Container, network: str) -> list[Listener]:
        """TCP ports the container listens on now, ascending; empty when none, or when it cannot be seen."""

    async def list_containers(self, labels: Mapping[str, str]) -> list[Container]:
        """All containers carrying every one of `labels`, running or not."""

    async def list_networks(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """{name: labels} of matching networks."""

    async def list_volumes(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """{name: labels} of matching volumes."""

    async def list_images(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """{reference: labels} of matching images."""

    async def stop(self, name: str, grace_seconds: float) -> None:
        """Ask the container to end, then end it."""

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
        """What happens to matching containers, as it happens. Ends when the engine goes; re-list then."""
