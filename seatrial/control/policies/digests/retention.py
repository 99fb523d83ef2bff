"""Deletes old digests."""

from datetime import datetime

from seatrial.control import keeping
from seatrial.control.policies.digests.models import Digest


def prune(now: datetime) -> int:
    """Delete digests that are too old; returns how many."""
    return keeping.delete(Digest.objects.filter(until__lt=keeping.DIGESTS.horizon(now)))
