"""Which agents fetch code for which previews."""

from django.db.models import Q

from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Project
from seatrial.wire.states import EnvironmentState


def may_fetch(agent_id: str, environment_id: str) -> Project | None:
    """The project whose code the agent needs; None when no deployment of the environment is desired on it.

    A candidate that its forge has not confirmed is not.
    """
    living = Environment.objects.exclude(state=EnvironmentState.TERMINATED)
    candidate = Q(candidate__agent=agent_id, candidate__confirmed_at__isnull=False)
    desired = living.filter(Q(live__agent=agent_id) | candidate)
    environment = desired.select_related("project__connection").filter(pk=environment_id).first()
    return environment.project if environment is not None else None
