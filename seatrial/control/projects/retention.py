"""Deletes pull requests that were closed long ago, once nothing refers to them."""

from datetime import datetime

from seatrial.control import keeping
from seatrial.control.projects.models import PullRequest, PullRequestState


def prune(now: datetime) -> int:
    """Delete closed pull requests with no preview and no evaluation left; returns how many."""
    closed = PullRequest.objects.filter(
        state=PullRequestState.CLOSED, changed_at__lt=keeping.HISTORY.horizon(now)
    )
    return keeping.delete(keeping.unreferenced(closed))
