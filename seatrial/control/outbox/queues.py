"""How long the outbox is, kind by kind: for numbers and for the health page."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, F, Min, Q, Value, When
from django.db.models.functions import Greatest, Now

from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction

MESSAGE = "message"  # for the bus, whatever it says


@dataclass(frozen=True)
class Queue:
    """What waits of one kind: an `Instruction`, or `MESSAGE`. `failed`: how many of them have been tried in vain.

    What is to wait until later is not counted, unless it failed before. `since`: the oldest has waited so long.
    """

    kind: str
    waiting: int
    failed: int
    since: datetime


def queues() -> list[Queue]:
    """Those that are not empty, by kind. One query."""
    due = Q(due_at__lte=Now()) | Q(attempts__gt=0)
    since = Case(When(attempts__gt=0, then="created_at"), default=Greatest("created_at", "due_at"))
    kind = Case(When(subject__in=list(Instruction), then=F("subject")), default=Value(MESSAGE))
    rows = OutboxMessage.objects.filter(due, published_at=None).annotate(kind=kind, since=since)
    counted = (
        rows.order_by("kind")
        .values("kind")
        .annotate(waiting=Count("pk"), failed=Count("pk", filter=Q(attempts__gt=0)), oldest=Min("since"))
    )
    return [Queue(row["kind"], row["waiting"], row["failed"], row["oldest"]) for row in counted]
