"""Deletes old notices."""

from datetime import datetime

from seatrial.control import keeping
from seatrial.control.policies.notices.models import Notice


def prune(now: datetime) -> int:
    """Delete notices that are too old; returns how many."""
    return keeping.delete(Notice.objects.filter(created_at__lt=keeping.NOTICES.horizon(now)))
