"""Published messages go."""

from datetime import datetime

from seatrial.control import keeping
from seatrial.control.outbox.models import OutboxMessage


def prune(now: datetime) -> int:
    """Delete messages published long enough ago; returns how many. What waits is never deleted."""
    return keeping.delete(OutboxMessage.objects.filter(published_at__lt=keeping.PUBLISHED.horizon(now)))
