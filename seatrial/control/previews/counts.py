"""How many previews there are: of each agent, of each project, and in each state; for pages and programs."""

from dataclasses import dataclass

from django.db.models import Count, OuterRef, QuerySet, Subquery

from seatrial.control.previews.models import Deployment, Environment, Placement
from seatrial.control.previews.shown import in_progress, shown_state
from seatrial.wire.states import DeploymentState, EnvironmentState


@dataclass(frozen=True)
class Tally:
    """Previews by what they do. One that runs while a newer commit is deployed is both `running` and `in_progress`.

    What an agent reported last counts, also while the agent is offline.
    """

    running: int
    in_progress: int
    failed: int  # serve nothing, because their only attempts failed


def tally(environments: QuerySet[Environment]) -> Tally:
    """Counts those of `environments` whose projects are not archived; one query."""
    newest = Deployment.objects.filter(environment=OuterRef("pk")).order_by("-id").values("state")[:1]
    rows = environments.filter(project__archived_at=None).exclude(state=EnvironmentState.TERMINATED)
    grouped = rows.order_by().annotate(newest=Subquery(newest)).values_list("state", "newest")
    counted = list(grouped.annotate(Count("id")))
    shown = [(shown_state(state, attempt), count) for state, attempt, count in counted]
    return Tally(
        running=sum(count for state, count in shown if state == EnvironmentState.RUNNING),
        in_progress=sum(count for state, attempt, count in counted if in_progress(state, attempt)),
        failed=sum(count for state, count in shown if state == DeploymentState.FAILED),
    )


def placed_on_agents() -> dict[str, int]:
    """How many previews that exist are on each agent, by its id; one query."""
    rows = Placement.objects.filter(removed_at=None, leaving_since=None)
    return dict(rows.order_by().values_list("agent").annotate(Count("id")))


def running_of_projects() -> dict[str, int]:
    """How many previews of each project run, by its id; one query."""
    rows = Environment.objects.filter(state=EnvironmentState.RUNNING)
    return dict(rows.order_by().values_list("project").annotate(Count("id")))
