"""Which agents fetch code for which previews, and are told which variables."""

from django.db.models import Q, QuerySet

from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.projects.models import Project
from seatrial.wire.states import EnvironmentState


def may_fetch(agent_id: str, environment_id: str) -> Project | None:
    """The project whose code the agent needs; None when no deployment of the environment is desired on it.

    A candidate that its forge has not confirmed is not.
    """
    environment = (
        _desired_on(agent_id).select_related("project__connection").filter(pk=environment_id).first()
    )
    return environment.project if environment is not None else None


def deployment_on(agent_id: str, environment_id: str, deployment_id: str) -> Deployment | None:
    """The deployment, with its project and pull request; None when it is not desired on that agent."""
    desired = _desired_on(agent_id).filter(
        Q(live=deployment_id) | Q(candidate=deployment_id), pk=environment_id
    )
    mine = Deployment.objects.filter(pk=deployment_id, agent=agent_id, environment__in=desired)
    confirmed = mine.exclude(environment__candidate=deployment_id, confirmed_at=None)
    return confirmed.select_related("environment__project", "environment__pull_request").first()


def _desired_on(agent_id: str) -> QuerySet[Environment]:
    living = Environment.objects.exclude(state=EnvironmentState.TERMINATED)
    candidate = Q(candidate__agent=agent_id, candidate__confirmed_at__isnull=False)
    return living.filter(Q(live__agent=agent_id) | candidate)
