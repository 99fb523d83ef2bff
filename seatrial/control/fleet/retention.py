"""Bootstrap tokens that nobody can use go. Until it expires, a used one may be exchanged again by the same agent."""

from datetime import datetime

from seatrial.control import keeping
from seatrial.control.fleet.models import BootstrapToken


def prune(now: datetime) -> int:
    """Delete tokens that expired long enough ago; returns how many."""
    return keeping.delete(BootstrapToken.objects.filter(expires_at__lt=keeping.BOOTSTRAP_TOKENS.horizon(now)))
