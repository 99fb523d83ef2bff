"""All errors of the agent. `reason` is the stable word that travels; the text is for people.

AgentError
├── RecipeError        the repository says nothing we can run, or says it wrong (file, line, key, fix)
├── CheckoutError      the commit cannot be had
├── BuildError         a build ended badly; `log_tail` holds its last lines
├── ImageUnavailable   an image is neither here, nor pullable, nor has a stand-in
├── StartError         a container cannot be created or started
├── ServiceExited      a service ended while it should run
├── Unhealthy          a service runs but its health check never passed
├── NoSpace            the data directory is too full to build; the text carries the numbers
├── UnresolvedVariable `${NAME}` in a recipe has no value
├── EngineRefused      the engine answers no; `refusal` says why, where somebody acts on it
├── NeedsEngine        the recipe asks for what only a container engine does, and this agent has none
└── RuntimeUnavailable the engine does not answer
"""

from enum import Enum, auto
from typing import ClassVar

from seatrial.wire.words import Reason


class AgentError(Exception):
    """The root. `service` and `log_tail` say where to look."""

    reason: ClassVar[Reason] = Reason.INTERNAL

    def __init__(self, message: str, *, service: str = "", log_tail: list[str] | None = None) -> None:
        super().__init__(message)
        self.service = service
        self.log_tail = log_tail or []


class RecipeError(AgentError):
    """`file:line: key: what is wrong. What is allowed.`"""

    reason = Reason.BAD_RECIPE


class NoRecipe(RecipeError):
    """Neither galley.yml, nor a compose file, nor a Dockerfile in the commit."""

    reason = Reason.NO_RECIPE


class CheckoutError(AgentError):
    """The commit cannot be fetched or read."""

    reason = Reason.CHECKOUT_FAILED


class BuildError(AgentError):
    """A build ended badly."""

    reason = Reason.BUILD_FAILED


class ImageUnavailable(AgentError):
    """An image is neither on the host, nor pullable, nor has a stand-in."""

    reason = Reason.IMAGE_UNAVAILABLE


class StartError(AgentError):
    """A container cannot be created or started."""

    reason = Reason.START_FAILED


class ServiceExited(AgentError):
    """A service ended while it should run."""

    reason = Reason.SERVICE_EXITED


class Unhealthy(AgentError):
    """A service runs but its health check never passed."""

    reason = Reason.UNHEALTHY


class NoSpace(AgentError):
    """The data directory is too full to build."""

    reason = Reason.NO_SPACE


class UnresolvedVariable(AgentError):
    """A `${NAME}` in a recipe has no value."""

    reason = Reason.UNRESOLVED_VARIABLE


class NeedsEngine(AgentError):
    """The recipe asks for what only a container engine does, and this agent has none: another may run it."""

    reason = Reason.NEEDS_ENGINE


class RuntimeUnavailable(AgentError):
    """The engine does not answer."""

    reason = Reason.RUNTIME_UNAVAILABLE


class Refusal(Enum):
    """Why an engine rejected a request. Its error texts are interpreted in `seatrial.agent.engine` and nowhere else."""

    OTHER = auto()
    ALREADY_JOINED = auto()
    BEING_REMOVED = auto()
    NETWORK_GONE = auto()
    NO_SUBNET = auto()
    NO_IMAGE = auto()
    NO_PROGRAM = auto()  # what a container shall run is not in it
    NO_SPACE = auto()
    NO_OWN_NETWORK = auto()  # its gVisor cannot give containers one on this kernel
    NOT_BEGUN = auto()  # its runtime could not begin the container
    REGISTRY_AWAY = auto()
    REGISTRY_LIMITS = auto()


class EngineRefused(AgentError):
    """The engine rejected a request. The text is its own; `status` is HTTP's, or 0 for a failure in the middle of a response."""

    def __init__(self, message: str, *, status: int, refusal: Refusal = Refusal.OTHER) -> None:
        super().__init__(message)
        self.status = status
        self.refusal = refusal

    @property
    def absent(self) -> bool:
        """Whether the object does not exist."""
        return self.status == 404
