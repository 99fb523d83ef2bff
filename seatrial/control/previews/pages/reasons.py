"""Why a deployment failed, in words: a title for the reason, and what to do about it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """A title and the next step."""

    title: str
    fix: str


_REASONS = {
    "no_recipe": Reason(
        "No recipe found", "Add a galley.yml, a compose file or a Dockerfile to the repository, and push."
    ),
    "bad_recipe": Reason("The recipe has a mistake", "Correct the line named above, and push."),
    "checkout_failed": Reason(
        "The commit could not be fetched", "Check that the branch still exists, then rebuild."
    ),
    "build_failed": Reason("A build failed", "The last lines of the build are below. Fix it, and push."),
    "image_unavailable": Reason(
        "An image could not be pulled", "Check the image's name, and that the agent reaches its registry."
    ),
    "start_failed": Reason("A service did not start", "Check its command and its ports, and push."),
    "service_exited": Reason("A service exited", "Its last lines are below. Fix what stopped it, and push."),
    "unhealthy": Reason(
        "A service never became healthy",
        "Check that it listens on the port the recipe names, on all interfaces (0.0.0.0), and that its health path answers.",
    ),
    "no_space": Reason("The agent's disk is full", "Free space on the agent's host, then rebuild."),
    "unresolved_variable": Reason(
        "A variable has no value", "Give the variable a value or a default, then rebuild."
    ),
    "runtime_unavailable": Reason(
        "The agent has no working runtime", "Start Docker on the agent's host, then rebuild."
    ),
    "agent_lost_contact": Reason(
        "The agent lost contact",
        "Rebuild, or push another commit. If the message names data, do so once that agent is online again.",
    ),
    "route_not_applied": Reason(
        "Traefik did not apply the route", "Mend what the message names on the server, then rebuild."
    ),
    "internal": Reason("Seatrial failed, not your code", "Rebuild; if it fails again, read the agent's log."),
}


def reason(word: str) -> Reason:
    """The words for `word`; an unknown one is shown as it is."""
    return _REASONS.get(word, Reason(word.replace("_", " ").capitalize() or "The deployment failed", ""))
