"""The newest deployment of environments, and of pull requests."""

from collections.abc import Iterable

from django.db.models import QuerySet

from seatrial.control.previews.models import Deployment
from seatrial.control.previews.recipes import recipes
from seatrial.control.projects.models import PullRequest


def newest_deployments(environments: Iterable[str]) -> dict[str, Deployment]:
    """The newest deployment of each environment, by environment id; one query.

    Its `environment`, with `live` and `candidate`, is read by the same query. Use it rather than one that was read
    before, which may not show yet that this deployment is live.
    """
    rows = Deployment.objects.filter(environment__in=list(environments))
    newest = rows.order_by("environment", "-id").distinct("environment")
    newest = newest.select_related("environment__live", "environment__candidate", "environment__pull_request")
    return {row.environment_id: row for row in newest}


def newest_by_recipe(rows: QuerySet[Deployment], pull_request: PullRequest) -> list[Deployment]:
    """Of `rows`, the newest deployment of the pull request by each recipe that ever had one, the project's recipes first."""
    ordered = rows.filter(environment__pull_request=pull_request).order_by("environment__recipe", "-id")
    found = {one.environment.recipe: one for one in ordered.distinct("environment__recipe")}
    known = [one for one in recipes(pull_request.project) if one in found]
    return [found[one] for one in dict.fromkeys([*known, *found])]
