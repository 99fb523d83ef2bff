"""Which process is missing, as far as the database knows."""

from datetime import datetime, timedelta

from django.utils import timezone

from seatrial.control.forges import intake
from seatrial.control.outbox import services as outbox

UNDER_WAY = timedelta(seconds=5)  # what takes no longer is not waited for


def missing() -> tuple[str, datetime | None]:
    """Who does not take what piles up: webhooks are the worker's, messages the bus's as long as the worker lives."""
    since = intake.unhandled_since()
    if since is not None and timezone.now() - since > UNDER_WAY:
        return "the worker: webhooks are not handled", since
    since = outbox.unsent_since()
    if since is not None and timezone.now() - since > UNDER_WAY:
        return "the bus, or the worker that reaches it: messages are not sent", since
    return "", None
