"""Deletes pull requests of the local forge that were closed long ago."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from seatrial.control import keeping
from seatrial.control.forges.local.models import LocalPullRequest
from seatrial.control.projects.models import PullRequestState


def prune(now: datetime) -> int:
    """Delete pull requests that were closed long ago and announced as closed; returns how many.

    The one with the highest number in its project stays, or the next one would get its number again.
    """
    closed = LocalPullRequest.objects.filter(
        state=PullRequestState.CLOSED, changed_at__lt=keeping.HISTORY.horizon(now)
    )
    unannounced = Q(announced_state=PullRequestState.OPEN)
    higher = LocalPullRequest.objects.filter(project=OuterRef("project"), number__gt=OuterRef("number"))
    return keeping.delete(closed.exclude(unannounced).filter(Exists(higher)))
