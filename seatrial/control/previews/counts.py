"""How many previews each agent and each project has, for their pages."""

from django.db.models import Count

from seatrial.control.previews.models import Environment, Placement
from seatrial.wire.states import EnvironmentState


def placed_on_agents() -> dict[str, int]:
    """How many previews that exist are on each agent, by its id; one query."""
    rows = Placement.objects.filter(removed_at=None, leaving_since=None)
    return dict(rows.order_by().values_list("agent").annotate(Count("id")))


def running_of_projects() -> dict[str, int]:
    """How many previews of each project run, by its id; one query."""
    rows = Environment.objects.filter(state=EnvironmentState.RUNNING)
    return dict(rows.order_by().values_list("project").annotate(Count("id")))
