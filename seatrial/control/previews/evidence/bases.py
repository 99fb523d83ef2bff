"""What a new screenshot is compared with."""

from django.db.models import F, QuerySet

from seatrial.control.previews.evidence.models import ComparedWith, Screenshot, ScreenshotState


def base_of(screenshot: Screenshot) -> tuple[Screenshot | None, ComparedWith]:
    """The screenshot that shows the same service of the same recipe as it was before the pull request, and what that is.

    First, what is live of the branch that the pull request is for, where that branch has a preview of its own; then what was merged
    into it last; then the deployment before this one.
    """
    environment = screenshot.deployment.environment
    pull_request = environment.pull_request
    same = Screenshot.objects.filter(
        deployment__environment__recipe=environment.recipe,
        deployment__environment__project=pull_request.project_id,
        service=screenshot.service,
        state=ScreenshotState.TAKEN,
        picture__isnull=False,
    ).order_by("-id")
    others = same.exclude(deployment__environment__pull_request=pull_request)
    base = pull_request.base_branch
    if base:
        stacked = others.filter(
            deployment__environment__pull_request__branch=base,
            deployment__environment__pull_request__from_fork=False,
            deployment__environment__live=F("deployment"),
        )
        merged = others.filter(
            deployment__environment__pull_request__base_branch=base,
            deployment__environment__pull_request__merged=True,
        ).order_by("-deployment__environment__pull_request__changed_at", "-id")
        for rows, what in ((stacked, ComparedWith.BASE_BRANCH), (merged, ComparedWith.MERGED)):
            if found := rows.first():
                return found, what
    found = _before(same, screenshot)
    return found, ComparedWith.PREVIOUS if found is not None else ComparedWith.NOTHING


def _before(same: QuerySet[Screenshot], screenshot: Screenshot) -> Screenshot | None:
    environment = screenshot.deployment.environment_id
    return same.filter(deployment__environment=environment, deployment__lt=screenshot.deployment_id).first()
