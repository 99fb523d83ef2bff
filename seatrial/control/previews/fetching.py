"""Which agents fetch code for which previews."""

from django.db.models import Q

from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Project
from seatrial.wire.states import EnvironmentState


def may_fetch(agent_id: str, environment_id: str) -> Project | None:
    """The project that the agent needs the code of, to run the environment; None when it has none to run."""
    living = Environment.objects.exclude(state=EnvironmentState.TERMINATED)
    wanted = living.filter(Q(live__isnull=False) | Q(candidate__isnull=False), agent=agent_id)
    environment = wanted.select_related("project__connection").filter(pk=environment_id).first()
    return environment.project if environment is not None else None
