"""The state of a preview as a person sees it."""

from seatrial.control.dashboard.states import Face, face
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.shown import NONE, shown_state


def headline(environment: Environment | None, newest: Deployment | None) -> Face:
    """The one state that a visitor of a preview needs to know, as it looks."""
    return face(headline_state(environment, newest))


def headline_state(environment: Environment | None, newest: Deployment | None) -> str:
    """The same as a word for programs: `shown_state`, or that there is no preview."""
    if environment is None:
        return NONE
    return shown_state(environment.state, newest.state if newest else None)
