"""The newest deployment of environments."""

from collections.abc import Iterable

from seatrial.control.previews.models import Deployment


def newest_deployments(environments: Iterable[str]) -> dict[str, Deployment]:
    """The newest deployment of each environment, by environment id; one query.

    Its `environment`, with `live` and `candidate`, is read by the same query. Use it rather than one that was read
    before, which may not show yet that this deployment is live.
    """
    rows = Deployment.objects.filter(environment__in=list(environments))
    newest = rows.order_by("environment", "-id").distinct("environment")
    newest = newest.select_related("environment__live", "environment__candidate", "environment__pull_request")
    return {row.environment_id: row for row in newest}
