"""Deletes old reviews."""

from datetime import datetime

from seatrial.control import keeping
from seatrial.control.policies.source.models import SourceReview


def prune(now: datetime) -> int:
    """Delete reviews that are too old; returns how many."""
    return keeping.delete(SourceReview.objects.filter(created_at__lt=keeping.HISTORY.horizon(now)))
