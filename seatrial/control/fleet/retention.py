"""Deletes bootstrap tokens that nobody can use. The same agent may exchange a used token again until it expires."""

from datetime import datetime

from seatrial.control import keeping
from seatrial.control.fleet.models import BootstrapToken


def prune(now: datetime) -> int:
    """Delete tokens that expired long enough ago; returns how many."""
    return keeping.delete(BootstrapToken.objects.filter(expires_at__lt=keeping.BOOTSTRAP_TOKENS.horizon(now)))
