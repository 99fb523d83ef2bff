"""The local forge's pull requests that were closed long ago go."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from seatrial.control import keeping
from seatrial.control.forges.local.models import LocalPullRequest
from seatrial.control.projects.models import PullRequestState


def prune(now: datetime) -> int:
    """Delete closed ones whose closing was announced; returns how many. The one with the highest number of its project
    stays, or the next would have the number of another."""
    closed = LocalPullRequest.objects.filter(
        state=PullRequestState.CLOSED, changed_at__lt=keeping.HISTORY.horizon(now)
    )
    unannounced = Q(announced_state=PullRequestState.OPEN)
    higher = LocalPullRequest.objects.filter(project=OuterRef("project"), number__gt=OuterRef("number"))
    return keeping.delete(closed.exclude(unannounced).filter(Exists(higher)))
