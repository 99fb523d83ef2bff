"""Words that messages carry and pages show: why something failed, what is being done, where a line comes from.

A reader treats an unknown word differently from an unknown member of `states`. A state decides what happens next, so a
new state raises the version of its message. A word only informs people, so a newer peer may use a new one at any time:
the reader keeps it unchanged, shows it, and does nothing else with it. A field for such a word is written

    reason: Annotated[Reason | str, KNOWN_FIRST]

Add a member here together with its row in the documentation (`tests/wire` says where). Never change its meaning.
"""

from enum import StrEnum
from typing import Self

from pydantic import Field

KNOWN_FIRST = Field(union_mode="left_to_right")  # the member if there is one, else the unchanged text


class Reason(StrEnum):
    """Why a deployment failed. No agent sends the last five, nor `disk_full`: only the control plane uses them."""

    NO_RECIPE = "no_recipe"
    BAD_RECIPE = "bad_recipe"
    CHECKOUT_FAILED = "checkout_failed"
    BUILD_FAILED = "build_failed"
    IMAGE_UNAVAILABLE = "image_unavailable"
    START_FAILED = "start_failed"
    SERVICE_EXITED = "service_exited"
    MIGRATE_FAILED = "migrate_failed"
    SEED_FAILED = "seed_failed"
    UNHEALTHY = "unhealthy"
    NO_SPACE = "no_space"
    DISK_FULL = "disk_full"
    UNRESOLVED_VARIABLE = "unresolved_variable"
    RUNTIME_UNAVAILABLE = "runtime_unavailable"
    COMPOSE_UNAVAILABLE = "compose_unavailable"
    NEEDS_ENGINE = "needs_engine"
    NOT_CONTAINED = "not_contained"
    INTERNAL = "internal"
    AGENT_LOST_CONTACT = "agent_lost_contact"
    ROUTE_NOT_APPLIED = "route_not_applied"
    ADDRESS_TAKEN = "address_taken"
    TOO_LARGE = "too_large"
    NOT_CONFIRMED = "not_confirmed"


class Phase(StrEnum):
    """A timed part of a deployment. Its name is the word alone, or, for what each service has of its own, `build <service>`."""

    CHECKOUT = "checkout"
    RECIPE = "recipe"
    BUILD = "build"
    CLONE = "clone"  # of a snapshot of data
    START = "start"
    MIGRATE = "migrate"
    SEED = "seed"
    HEALTH = "health"
    SWITCH = "switch"  # reported by the control plane: visitors go over to the new deployment

    def named(self, service: str = "") -> str:
        """The name of this phase of `service`, or of the whole deployment, in messages and on pages."""
        return f"{self.value} {service}" if service else self.value

    @classmethod
    def of(cls, name: str) -> Self | None:
        """The phase to which `named` gave this name; None if only a newer peer knows the phase."""
        return next((phase for phase in cls if phase == name.split(" ", maxsplit=1)[0]), None)


class ServiceState(StrEnum):
    """The state of one service, as its agent sees it."""

    RUNNING = "running"
    EXITED = "exited"
    RESTARTING = "restarting"
    UNHEALTHY = "unhealthy"
    MISSING = "missing"  # it has no container


class RuntimeKind(StrEnum):
    """What runs services on an agent."""

    DOCKER = "docker"
    PROCESS = "process"  # no isolation: for trying out only


class HostMatter(StrEnum):
    """What a line about an agent's host is about."""

    ENGINE = "engine"
    GVISOR = "gvisor"
    FIREWALL = "firewall"
    NAMESPACES = "namespaces"  # of users: builds that are not root's need them
    BUILDER = "builder"
    DISK = "disk"
    CONTAINERS = "containers"  # those that another agent has left
    REGISTRY = "registry"
    CLOCK = "clock"  # compared by the control plane
    RELEASE = "release"  # likewise


class DrainStep(StrEnum):
    """What becomes of a preview on an agent that drains, or would."""

    STAYS = "stays"
    MOVES = "moves"
    MOVING = "moving"
    LEAVING = "leaving"


class DiskKind(StrEnum):
    """What holds space on an agent's disk."""

    IMAGES = "images"
    CONTAINERS = "containers"  # the files that they have written
    VOLUMES = "volumes"
    BUILD_CACHE = "build cache"  # layers of earlier builds, and their base images
    ENGINE_CACHE = "engine's build cache"
    GIT = "git caches"


class LogSource(StrEnum):
    """Where a log line comes from."""

    BUILD = "build"
    SERVICE = "service"
    SYSTEM = "system"  # the agent, about the deployment itself


SYSTEM_SERVICE = "_system"  # of lines about the deployment itself rather than one of its services


class LogStream(StrEnum):
    """The output to which a program wrote a line."""

    STDOUT = "stdout"
    STDERR = "stderr"


class LogLevel(StrEnum):
    """How important a policy's log line is to its author."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    PRINT = "print"  # printed by the policy, not logged


class EventKind(StrEnum):
    """What led to an evaluation."""

    PUSH = "push"
    PULL_REQUEST = "pull_request"
    TAG = "tag"
    MERGE_QUEUE = "merge_queue"  # a commit that a merge queue or a merge train made
    MANUAL = "manual"  # somebody asked for it
    PREVIEW = "preview"  # a preview of the commit, for live policies


class StopCause(StrEnum):
    """Why a preview was stopped although its pull request is open. It stays stopped until the next commit."""

    PERSON = "person"
    TIME_TO_LIVE = "time_to_live"
    DISK_FULL = "disk_full"  # it held as much of its host's disk as a preview may
