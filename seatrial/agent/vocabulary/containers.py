"""Containers as every room describes them: the specification of one, and its current state."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum, auto
from pathlib import Path
from typing import Protocol

from seatrial.agent.vocabulary.options import Options
from seatrial.wire.states import Isolation

USUAL_ASK_SECONDS = 30.0  # for one run of a health command; the engine's default
LEAST_HEALTH_SECONDS = 60.0
LONGEST_HEALTH_SECONDS = 600.0


class ContainerState(StrEnum):
    """The state of a container."""

    CREATED = "created"
    RUNNING = "running"
    RESTARTING = "restarting"
    PAUSED = "paused"
    EXITED = "exited"
    DEAD = "dead"

    @property
    def up(self) -> bool:
        """Whether the container runs, or will run again by itself."""
        return self in {ContainerState.RUNNING, ContainerState.RESTARTING}

    @property
    def over(self) -> bool:
        """Whether the container has ended for good."""
        return self in {ContainerState.EXITED, ContainerState.DEAD}


class RestartPolicy(StrEnum):
    """What happens to a container that has ended by itself."""

    UNLESS_STOPPED = "unless-stopped"
    ON_FAILURE = "on-failure"
    NEVER = "never"

    @property
    def may_end(self) -> bool:
        """Whether the container is meant to end, with 0 as success."""
        return self is not RestartPolicy.UNLESS_STOPPED

    def comes_back(self, exit_code: int | None) -> bool:
        """Whether a container that ended with this code is to run again."""
        return self is RestartPolicy.UNLESS_STOPPED or (self is RestartPolicy.ON_FAILURE and exit_code != 0)


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
    shared: bool = False  # what else runs may write into the volume while this container starts


@dataclass(frozen=True)
class Copy:
    """A file or folder of the commit that is in the container at `target` before it starts."""

    source: str  # relative to the repository's root; "." is all of it
    target: str


@dataclass(frozen=True)
class Text:
    """A file in the container whose content the recipe itself gives; it may be a secret."""

    target: str
    content: str = field(repr=False)


class Files(Protocol):
    """Files to put into a new container. The same `digest` means the same files."""

    digest: str

    def packed(self) -> AbstractAsyncContextManager[Path]:
        """A tar archive, paths relative to the container's root; gone when the context ends."""


@dataclass(frozen=True)
class HealthCheck:
    """How a container's health is checked: HTTP on a port, an open TCP port, or a command inside."""

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
        """A check by a command inside, with the engine's patience before it calls a container unhealthy."""
        patience = start_period + retries * (interval + timeout)
        whole = min(max(LEAST_HEALTH_SECONDS, patience), LONGEST_HEALTH_SECONDS)
        return cls(
            command=command,
            timeout_seconds=whole,
            interval_seconds=interval,
            ask_seconds=min(timeout or USUAL_ASK_SECONDS, whole),
        )


class Cause(Enum):
    """What stands behind a check that failed."""

    NO_PORT = auto()  # it is not known to listen on any port
    NOTHING_THERE = auto()  # no connection is accepted
    NO_ANSWER = auto()  # a connection is accepted, and no answer comes
    NOT_HTTP = auto()  # something else than HTTP is spoken
    TLS = auto()
    WRONG_ANSWER = auto()  # HTTP is spoken, and the answer is not the wanted one
    OWN_COMMAND = auto()  # the check's command, inside the container, says so


@dataclass(frozen=True)
class Unwell:
    """Why a service is not healthy: `seen` is the end of a sentence about it, `said` what its health command printed or the
    engine said, if `seen` quotes that."""

    seen: str
    cause: Cause
    said: str = ""


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
    restart: RestartPolicy = RestartPolicy.UNLESS_STOPPED
    isolation: Isolation | None = None
    source_tree: Path | None = None  # process runtime only: where the code is
    options: Options = field(default_factory=Options)
    network_of: str | None = None  # another container, in whose network it runs; then it has no `networks`


@dataclass(frozen=True)
class Container:
    """A container as it is now. `addresses` maps each network to the container's IP address there; one that runs in the network
    of another, `network_of`, has the addresses of that."""

    name: str
    labels: Mapping[str, str]
    state: ContainerState
    exit_code: int | None
    addresses: Mapping[str, str]
    image: str
    started_at: datetime | None = None
    oom_killed: bool = False
    restarts: int = 0
    network_of: str | None = None
    stop_seconds: float | None = None  # how long it has to end, if its recipe says
    port: int | None = None  # process runtime only: the port that the service was given instead of its own
    user: str | None = None  # as it was written; empty: root; None: the runtime does not know
    stays_down: bool = False  # the engine does not start it again when it ends: whoever wants it to run does


def shares(container: Container, host: Container) -> bool:
    """Whether `container` still is in the network of `host`, which has a new one whenever it begins again."""
    if container.started_at is None or host.started_at is None:
        return False
    return container.started_at >= host.started_at


@dataclass(frozen=True)
class Listener:
    """A TCP port that a container listens on. `loopback`: only on 127.0.0.1 or ::1, so nobody else reaches it.
    `six`: by a socket of IPv6, which may accept IPv4 as well."""

    port: int
    loopback: bool = False
    six: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Change:
    """A change of a labelled container, which must be read again. `action` is informative only."""

    name: str
    labels: Mapping[str, str]
    action: str
