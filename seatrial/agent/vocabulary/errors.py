"""Everything an agent can fail with. `reason` is the stable word that travels; the text is for people.

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
└── RuntimeUnavailable the engine does not answer
"""

from typing import ClassVar


class AgentError(Exception):
    """The root. `service` and `log_tail` say where to look."""

    reason: ClassVar[str] = "internal"

    def __init__(self, message: str, *, service: str = "", log_tail: list[str] | None = None) -> None:
        super().__init__(message)
        self.service = service
        self.log_tail = log_tail or []


class RecipeError(AgentError):
    """`file:line: key: what is wrong. What is allowed.`"""

    reason = "bad_recipe"


class NoRecipe(RecipeError):
    """Neither galley.yml, nor a compose file, nor a Dockerfile in the commit."""

    reason = "no_recipe"


class CheckoutError(AgentError):
    """The commit cannot be fetched or read."""

    reason = "checkout_failed"


class BuildError(AgentError):
    """A build ended badly."""

    reason = "build_failed"


class ImageUnavailable(AgentError):
    """An image is neither on the host, nor pullable, nor has a stand-in."""

    reason = "image_unavailable"


class StartError(AgentError):
    """A container cannot be created or started."""

    reason = "start_failed"


class ServiceExited(AgentError):
    """A service ended while it should run."""

    reason = "service_exited"


class Unhealthy(AgentError):
    """A service runs but its health check never passed."""

    reason = "unhealthy"


class NoSpace(AgentError):
    """The data directory is too full to build."""

    reason = "no_space"


class UnresolvedVariable(AgentError):
    """A `${NAME}` in a recipe has no value."""

    reason = "unresolved_variable"


class RuntimeUnavailable(AgentError):
    """The engine does not answer."""

    reason = "runtime_unavailable"
