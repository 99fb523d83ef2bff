"""How long deliveries and facts are kept. Anybody who knows a connection's address can have rejected ones stored."""

from datetime import timedelta

from django.db.models import Count
from django.utils import timezone

from seatrial.control.forges.models import Delivery, DeliveryResult, FactsSnapshot

KEPT = timedelta(days=30)
REJECTED_KEPT = 500  # per connection, at most 4 KB each


def prune() -> int:
    """Delete deliveries and facts that are older than KEPT, and all but the newest REJECTED_KEPT rejected ones of each connection.

    An accepted delivery is never deleted for a rejected one. Idempotent; returns how many were deleted.
    """
    horizon = timezone.now() - KEPT
    old = Delivery.objects.filter(received_at__lt=horizon)
    facts = FactsSnapshot.objects.filter(taken_at__lt=horizon)
    return facts.delete()[0] + old.delete()[0] + sum(_prune_rejected(connection) for connection in _crowded())


def _crowded() -> list[str]:
    rejected = Delivery.objects.exclude(result=DeliveryResult.ACCEPTED).values("connection")
    counted = rejected.annotate(count=Count("id")).filter(count__gt=REJECTED_KEPT)
    return list(counted.values_list("connection", flat=True))


def _prune_rejected(connection: str) -> int:
    rejected = Delivery.objects.filter(connection=connection).exclude(result=DeliveryResult.ACCEPTED)
    beyond = rejected.order_by("-id").values_list("id", flat=True)[REJECTED_KEPT:][:1]
    return sum(rejected.filter(id__lte=newest).delete()[0] for newest in beyond)
