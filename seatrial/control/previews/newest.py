"""The newest deployment of environments."""

from collections.abc import Iterable

from seatrial.control.previews.models import Deployment


def newest_deployments(environments: Iterable[str]) -> dict[str, Deployment]:
    """The newest deployment of each environment, by environment id; one query."""
    rows = Deployment.objects.filter(environment__in=list(environments))
    newest = rows.order_by("environment", "-id").distinct("environment")
    return {row.environment_id: row for row in newest}
