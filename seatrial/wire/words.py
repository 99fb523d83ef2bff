"""Words that are told and shown: why something failed, what is being done, where a line comes from.

They differ from `states` in what a reader does with one that it does not know. A state decides what happens next, so a
new one raises the version of its message. A word tells people something, so a newer peer may use a new one at any
time: the reader keeps it as it came, shows it, and does nothing else with it. A field for such a word is written

    reason: Annotated[Reason | str, KNOWN_FIRST]

A member is added here, with its row in the documentation (`tests/wire` says where), and never given another meaning.
"""

from enum import StrEnum
from typing import Self

from pydantic import Field

KNOWN_FIRST = Field(union_mode="left_to_right")  # the member where there is one, else the text as it came


class Reason(StrEnum):
    """Why a deployment failed. The last two are the control plane's own: no agent sends them."""

    NO_RECIPE = "no_recipe"
    BAD_RECIPE = "bad_recipe"
    CHECKOUT_FAILED = "checkout_failed"
    BUILD_FAILED = "build_failed"
    IMAGE_UNAVAILABLE = "image_unavailable"
    START_FAILED = "start_failed"
    SERVICE_EXITED = "service_exited"
    UNHEALTHY = "unhealthy"
    NO_SPACE = "no_space"
    UNRESOLVED_VARIABLE = "unresolved_variable"
    RUNTIME_UNAVAILABLE = "runtime_unavailable"
    NEEDS_ENGINE = "needs_engine"
    INTERNAL = "internal"
    AGENT_LOST_CONTACT = "agent_lost_contact"
    ROUTE_NOT_APPLIED = "route_not_applied"


class Phase(StrEnum):
    """A timed part of a deployment. Its name is the word alone, or `build <service>`: each service has a build."""

    CHECKOUT = "checkout"
    RECIPE = "recipe"
    BUILD = "build"
    START = "start"
    HEALTH = "health"
    SWITCH = "switch"  # the control plane's own: visitors go over to the new deployment

    def named(self, service: str = "") -> str:
        """What this phase of `service`, or of the whole deployment, is called in messages and on pages."""
        return f"{self.value} {service}" if service else self.value

    @classmethod
    def of(cls, name: str) -> Self | None:
        """The phase that `named` gave this name; None: one of a newer peer."""
        return next((phase for phase in cls if phase == name.split(" ", maxsplit=1)[0]), None)


class ServiceState(StrEnum):
    """What an agent sees of one service."""

    RUNNING = "running"
    EXITED = "exited"
    RESTARTING = "restarting"
    UNHEALTHY = "unhealthy"
    MISSING = "missing"  # it has no container


class LogSource(StrEnum):
    """What wrote a line."""

    BUILD = "build"
    SERVICE = "service"
    SYSTEM = "system"  # the agent, about the deployment itself


class LogStream(StrEnum):
    """Which of its two outputs a program wrote a line to."""

    STDOUT = "stdout"
    STDERR = "stderr"


class EventKind(StrEnum):
    """What led to an evaluation."""

    PUSH = "push"
    PULL_REQUEST = "pull_request"
    TAG = "tag"
    MANUAL = "manual"  # somebody asked for it


class StopCause(StrEnum):
    """Why a preview was stopped although its pull request is open. Either holds until the next commit."""

    PERSON = "person"
    TIME_TO_LIVE = "time_to_live"
