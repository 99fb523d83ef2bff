"""Deletes old commands in comments, and pull requests that were closed long ago, once nothing refers to them."""

from datetime import datetime

from seatrial.control import keeping
from seatrial.control.projects.models import CommandComment, PullRequest, PullRequestState


def prune(now: datetime) -> int:
    """Delete old commands, and closed pull requests with no preview and no evaluation left; returns how many rows."""
    obeyed = keeping.delete(CommandComment.objects.filter(created_at__lt=keeping.DELIVERIES.horizon(now)))
    closed = PullRequest.objects.filter(
        state=PullRequestState.CLOSED, changed_at__lt=keeping.HISTORY.horizon(now)
    )
    return obeyed + keeping.delete(keeping.unreferenced(closed))
