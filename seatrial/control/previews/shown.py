"""The one word for the state of a preview that pages, the REST interface and the command line show."""

from seatrial.wire.states import DeploymentState, EnvironmentState

NONE = "none"  # there is no preview


def shown_state(environment: str, newest: str | None) -> str:
    """The state to show for an environment in the state `environment` whose newest deployment is in the state `newest`.

    A pending environment whose newest deployment failed is shown as failed: nothing is going to happen to it by itself.
    One that still runs an older commit is shown as running; beside it stands that the newest failed.
    """
    if environment == EnvironmentState.PENDING and newest == DeploymentState.FAILED:
        return DeploymentState.FAILED
    return environment


def in_progress(environment: str, newest: str | None) -> bool:
    """Whether a deployment is under way, the first one or a newer one of a preview that runs."""
    if environment == EnvironmentState.TERMINATED or newest is None:
        return False
    return not DeploymentState(newest).terminal
