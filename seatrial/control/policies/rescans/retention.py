"""Deletes old re-scans."""

from datetime import datetime

from seatrial.control import keeping
from seatrial.control.policies.rescans.models import Rescan


def prune(now: datetime) -> int:
    """Delete re-scans that ended long ago; returns how many."""
    horizon = keeping.TRIALS.horizon(now)
    return keeping.delete(Rescan.objects.filter(finished_at__lt=horizon), batch=10)
