"""Since when somebody has asked that a commit be merged."""

from datetime import datetime

from django.db.models import Min, Q

from seatrial.control.policies.criteria import short_name
from seatrial.control.projects.models import Project, PullRequest, PullRequestState


def opened_at(
    project: Project, *, commit: str, ref: str, pull_request: PullRequest | None, number: int | None
) -> datetime | None:
    """When the pull request was opened, or that with this number, or the oldest open one that has the commit or the branch: a
    code host shows one verdict on a commit, whichever event led to it. None for what is no pull request's.
    """
    if pull_request is not None:
        return pull_request.opened_at
    rows = PullRequest.objects.filter(project=project)
    if number is not None:
        queued = rows.filter(number=number).first()
        if queued is not None:
            return queued.opened_at
    same = Q(head_sha=commit) | Q(branch=short_name(ref), from_fork=False)
    found = rows.filter(same, state=PullRequestState.OPEN).aggregate(first=Min("opened_at"))
    first: datetime | None = found["first"]
    return first
