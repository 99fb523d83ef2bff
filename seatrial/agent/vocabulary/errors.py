"""All errors of the agent. `reason` is the stable word that travels; the text is for people.

AgentError
├── RecipeError        the recipe is missing or wrong (file, line, key, fix); some of its kinds have classes of their own
├── CheckoutError      the commit cannot be fetched or read; of one kind, it is the clone that lacks something
├── NotVisited         a policy's visit to its preview did not come about
├── BuildError         a build failed; `log_tail` holds its last lines
├── BuilderFailed      the builder itself failed, several times: not the repository's fault
├── ImageUnavailable   an image is not on the host, cannot be pulled, and has no stand-in
├── StartError         a container cannot be created or started
├── ServiceExited      a service ended while it should run
├── MigrateFailed      a service's migrate command did not end with 0
├── SeedFailed         a service's seed command did not end with 0
├── Unhealthy          a service runs but its health check never passed
├── NoSpace            the data directory is too full to build; the text carries the numbers
├── UnresolvedVariable `${NAME}` in a recipe has no value
├── NoVariables        the control plane gives no variables
├── NoRegistryLogin    the control plane gives no login for a registry
├── EngineRefused      the engine rejects a request; `refusal` says why, if the agent acts on the reason
├── NeedsEngine        the recipe needs a container engine, and this agent has none
├── NotContained       the agent's host cannot keep the code away from what it must not reach
├── RuntimeUnavailable the engine does not answer
└── ComposeUnavailable Compose cannot be run on the agent's host
"""

from collections.abc import Sequence
from enum import Enum, auto
from typing import ClassVar

from seatrial.wire.words import Reason


class AgentError(Exception):
    """The root of the agent's errors. `service` and `log_tail` tell where the problem is; `said` is what another program
    said of it, in its own words, if the text quotes any."""

    reason: ClassVar[Reason] = Reason.INTERNAL

    def __init__(
        self, message: str, *, service: str = "", log_tail: list[str] | None = None, said: str = ""
    ) -> None:
        super().__init__(message)
        self.service = service
        self.log_tail = log_tail or []
        self.said = said

    def add(self, sentence: str) -> None:
        """Say one thing more, which only somebody further up knows. Nothing, for an empty sentence."""
        if sentence:
            self.args = (f"{self}. {sentence}",)


class RecipeError(AgentError):
    """`file:line: key: what is wrong. What is allowed.`

    `at`: the keys that lead to the place, where one is to blame; `place`: its file and line, where they are known. One that
    tells of several mistakes, a line for each, has them as `parts`; any other is its only part.
    """

    reason = Reason.BAD_RECIPE

    def __init__(
        self,
        message: str,
        *,
        at: tuple[str | int, ...] = (),
        place: tuple[str, int] = ("", 0),
        parts: "Sequence[RecipeError]" = (),
        service: str = "",
        log_tail: list[str] | None = None,
    ) -> None:
        super().__init__(message, service=service, log_tail=log_tail)
        self.at = at
        self.place = place
        self.parts: Sequence[RecipeError] = parts or (self,)


class NothingToRun(RecipeError):
    """A service of a compose file says neither build nor image."""


class NoRecipe(RecipeError):
    """Neither galley.yml, nor a compose file, nor a Dockerfile in the commit, nor files that say how to run it."""

    reason = Reason.NO_RECIPE


class CheckoutError(AgentError):
    """The commit cannot be fetched or read. `lasting`: another try would meet the same."""

    reason = Reason.CHECKOUT_FAILED
    lasting = False


class FetchFailed(CheckoutError):
    """Git could not fetch, for another reason than the credential: another try may succeed."""


class Incomplete(CheckoutError):
    """The clone that the commit was fetched from lacks what is asked for."""

    lasting = True


class NotVisited(AgentError):
    """The preview could not be visited for a policy. `again`: another try may meet something else."""

    def __init__(self, message: str, *, again: bool = False) -> None:
        super().__init__(message)
        self.again = again


class BuildError(AgentError):
    """A build failed."""

    reason = Reason.BUILD_FAILED


class BuilderFailed(AgentError):
    """The builder itself failed, several times in a row: its programs were killed, or its store is damaged."""

    reason = Reason.INTERNAL


class ImageUnavailable(AgentError):
    """An image is not on the host, cannot be pulled, and has no stand-in."""

    reason = Reason.IMAGE_UNAVAILABLE


class StartError(AgentError):
    """A container cannot be created or started."""

    reason = Reason.START_FAILED


class ServiceExited(AgentError):
    """A service ended while it should run."""

    reason = Reason.SERVICE_EXITED


class MigrateFailed(AgentError):
    """The migrate command of a service failed, or took too long."""

    reason = Reason.MIGRATE_FAILED


class SeedFailed(AgentError):
    """The seed command of a service failed, or took too long."""

    reason = Reason.SEED_FAILED


class Unhealthy(AgentError):
    """A service runs but its health check never passed."""

    reason = Reason.UNHEALTHY


class NoSpace(AgentError):
    """The data directory is too full to build."""

    reason = Reason.NO_SPACE


class UnresolvedVariable(AgentError):
    """A `${NAME}` in a recipe has no value."""

    reason = Reason.UNRESOLVED_VARIABLE


class NoVariables(AgentError):
    """The control plane gives no variables for the deployment, or they cannot be opened."""

    reason = Reason.UNRESOLVED_VARIABLE


class NoRegistryLogin(AgentError):
    """The control plane gives no login for a registry, or it cannot be opened."""

    reason = Reason.IMAGE_UNAVAILABLE


class NeedsEngine(AgentError):
    """The recipe asks for what only a container engine does, and this agent has none: another may run it."""

    reason = Reason.NEEDS_ENGINE


class NotContained(AgentError):
    """This host cannot keep the code away from what it must not reach, and it is not run with weaker walls: another may run it."""

    reason = Reason.NOT_CONTAINED


class RuntimeUnavailable(AgentError):
    """The engine does not answer."""

    reason = Reason.RUNTIME_UNAVAILABLE


class ComposeUnavailable(AgentError):
    """Compose, which reads compose files, cannot be run on the agent's host."""

    reason = Reason.COMPOSE_UNAVAILABLE


class Refusal(Enum):
    """Why an engine rejected a request. Its error texts are interpreted in `seatrial.agent.engine` and nowhere else."""

    OTHER = auto()
    ALREADY_JOINED = auto()
    BEING_REMOVED = auto()
    NETWORK_GONE = auto()
    NO_SUBNET = auto()
    NO_IMAGE = auto()
    NO_INIT = auto()  # its host lacks the first process that `init` asks for
    NO_PROGRAM = auto()  # the program that the container should run is not in it
    NOT_EXECUTABLE = auto()  # it is, but may not be executed
    NO_LIMIT = auto()  # the container asks for more than its host may give it
    NO_SPACE = auto()
    NO_OWN_NETWORK = auto()  # this gVisor cannot give containers a network on this kernel
    NOT_BEGUN = auto()  # the engine's runtime could not start the container
    NOT_FROZEN = auto()  # a process of the container was at something in which the kernel does not freeze it


class EngineRefused(AgentError):
    """The engine rejected a request. The text is the engine's; `status` is HTTP's, or 0 for a failure in the middle of a
    response."""

    def __init__(self, message: str, *, status: int, refusal: Refusal = Refusal.OTHER) -> None:
        super().__init__(message, said=message)
        self.status = status
        self.refusal = refusal

    @property
    def absent(self) -> bool:
        """Whether the reason is that the object does not exist."""
        return self.status == 404
