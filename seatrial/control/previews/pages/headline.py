"""The state of a preview as a person sees it."""

from seatrial.control.dashboard.states import Face, face
from seatrial.control.previews.models import Deployment, Environment
from seatrial.wire.states import DeploymentState, EnvironmentState


def headline(environment: Environment | None, newest: Deployment | None) -> Face:
    """The one state that a visitor of a preview needs to know.

    A pending environment whose newest deployment failed is shown as failed. One that still runs an older commit is
    shown as running; its page says beside it that the newest failed.
    """
    if environment is None:
        return face("none")
    if (
        environment.state == EnvironmentState.PENDING
        and newest is not None
        and newest.state == DeploymentState.FAILED
    ):
        return face(DeploymentState.FAILED)
    return face(environment.state)
