"""Words for the reasons why deployments fail: a title, and what to do about it."""

from dataclasses import dataclass

from seatrial.wire.words import Reason


@dataclass(frozen=True)
class Explanation:
    """A title and the next step."""

    title: str
    fix: str


EXPLANATIONS: dict[str, Explanation] = {
    Reason.NO_RECIPE: Explanation(
        "No recipe found",
        "Add a galley.yml, a compose file or a Dockerfile to the repository, and push. `seatrial recipe` shows what is detected.",
    ),
    Reason.BAD_RECIPE: Explanation("The recipe has a mistake", "Correct what is named above, and push."),
    Reason.CHECKOUT_FAILED: Explanation(
        "The commit could not be fetched", "Check that the branch still exists, then rebuild."
    ),
    Reason.BUILD_FAILED: Explanation(
        "A build failed", "The last lines of the build are below. Fix the step that failed, and push."
    ),
    Reason.IMAGE_UNAVAILABLE: Explanation(
        "An image could not be pulled", "Check the image's name, and that the agent reaches its registry."
    ),
    Reason.START_FAILED: Explanation("A service did not start", "Check its command and its ports, and push."),
    Reason.SERVICE_EXITED: Explanation(
        "A service exited", "Its last lines are below. Fix what stopped it, and push."
    ),
    Reason.MIGRATE_FAILED: Explanation(
        "A migrate command failed",
        "Its last lines are below. What was live still runs; fix the command, and push.",
    ),
    Reason.SEED_FAILED: Explanation(
        "A seed command failed", "Its last lines are below. Fix the command, and push: it is then run again."
    ),
    Reason.UNHEALTHY: Explanation(
        "A service never became healthy",
        "Check that it listens on the port the recipe names, on all interfaces (0.0.0.0), and that its health path answers.",
    ),
    Reason.DISK_FULL: Explanation(
        "It filled its disk",
        "Have it write less, or have an operator raise GALLEY_MAX_PREVIEW_DISK; then rebuild.",
    ),
    Reason.NO_SPACE: Explanation("The agent's disk is full", "Free space on the agent's host, then rebuild."),
    Reason.UNRESOLVED_VARIABLE: Explanation(
        "A variable has no value", "Give the variable a value or a default, then rebuild."
    ),
    Reason.RUNTIME_UNAVAILABLE: Explanation(
        "The agent has no working runtime", "Start Docker on the agent's host, then rebuild."
    ),
    Reason.COMPOSE_UNAVAILABLE: Explanation(
        "The agent cannot read compose files",
        "Fix what the message names on the agent's host, then rebuild.",
    ),
    Reason.NEEDS_ENGINE: Explanation(
        "The agent has no container engine",
        "Start an agent with Docker, then rebuild: the preview is deployed there.",
    ),
    Reason.NOT_CONTAINED: Explanation(
        "The agent cannot keep it in",
        "Fix what the message names on the agent's host, then rebuild: nothing runs with weaker walls.",
    ),
    Reason.AGENT_LOST_CONTACT: Explanation(
        "The agent lost contact",
        "Rebuild, or push another commit. If the message names data, the new deployment waits for that agent, and continues by itself.",
    ),
    Reason.ROUTE_NOT_APPLIED: Explanation(
        "Traefik did not apply the route", "Fix what the message names on the server, then rebuild."
    ),
    Reason.ADDRESS_TAKEN: Explanation(
        "An address belongs to another preview", "Rename the service that the message names, and push."
    ),
    Reason.TOO_LARGE: Explanation(
        "It asks for more than a project gets",
        "Lower the limits of its services, and push; or raise the setting that the message names, and rebuild.",
    ),
    Reason.NOT_CONFIRMED: Explanation(
        "The code host does not show the pull request",
        "Check that it still exists and that the connection may see it, then rebuild.",
    ),
    Reason.INTERNAL: Explanation(
        "Seatrial failed, not your code", "Rebuild; if it fails again, read the agent's log."
    ),
}


def explanation(word: str) -> Explanation:
    """The words for `word`; an unknown one is shown as it is."""
    return EXPLANATIONS.get(
        word, Explanation(word.replace("_", " ").capitalize() or "The deployment failed", "")
    )
