"""Deletes published messages."""

from datetime import datetime

from seatrial.control import keeping
from seatrial.control.outbox.models import OutboxMessage


def prune(now: datetime) -> int:
    """Delete messages published long enough ago; returns how many. A message that waits is never deleted."""
    return keeping.delete(OutboxMessage.objects.filter(published_at__lt=keeping.PUBLISHED.horizon(now)))
