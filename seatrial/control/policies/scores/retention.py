"""Deletes old scores."""

from datetime import datetime

from seatrial.control import keeping
from seatrial.control.policies.scores.models import DailyScore


def prune(now: datetime) -> int:
    """Delete the scores of days that are too long ago; returns how many."""
    return keeping.delete(DailyScore.objects.filter(day__lt=keeping.SCORES.horizon(now).date()))
