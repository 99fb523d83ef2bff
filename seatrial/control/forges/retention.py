"""Deletes old deliveries, facts, digests of reports and drifts, and all but the newest rejected deliveries.

Anybody who knows a connection's address can have rejected deliveries stored, so their number is limited.
"""

from datetime import datetime

from django.db.models import Count, QuerySet

from seatrial.control import keeping
from seatrial.control.forges.models import (
    Delivery,
    DeliveryResult,
    Drift,
    FactsSnapshot,
    PostedComment,
    PostedReport,
    StoredBudget,
)
from seatrial.control.forges.oauth.models import AuthorizationRequest
from seatrial.control.projects.models import PullRequestState

REJECTED_KEPT = 500  # per connection, at most 4 KB each


def prune(now: datetime) -> int:
    """Delete old rows, and all but the newest REJECTED_KEPT rejected deliveries of each connection.

    Rejected deliveries never cause an accepted one to be deleted. Idempotent; returns how many rows were deleted.
    """
    horizon = keeping.DELIVERIES.horizon(now)
    gone = keeping.delete(FactsSnapshot.objects.filter(taken_at__lt=horizon))
    gone += keeping.delete(PostedReport.objects.filter(posted_at__lt=horizon))
    gone += keeping.delete(StoredBudget.objects.filter(heard_at__lt=horizon))
    gone += keeping.delete(Delivery.objects.filter(received_at__lt=horizon))
    gone += keeping.delete(Drift.objects.filter(at__lt=horizon))
    gone += keeping.delete(_comments(now))
    gone += keeping.delete(AuthorizationRequest.objects.filter(until__lt=keeping.AUTHORIZATIONS.horizon(now)))
    return gone + sum(map(_prune_rejected, _crowded()))


def _comments(now: datetime) -> QuerySet[PostedComment]:
    """What we know of our comments below pull requests that were closed long ago: those are deleted after them."""
    return PostedComment.objects.filter(
        pull_request__state=PullRequestState.CLOSED, pull_request__changed_at__lt=keeping.HISTORY.horizon(now)
    )


def _crowded() -> list[str]:
    rejected = Delivery.objects.exclude(result=DeliveryResult.ACCEPTED).values("connection")
    counted = rejected.annotate(count=Count("id")).filter(count__gt=REJECTED_KEPT)
    return list(counted.values_list("connection", flat=True))


def _prune_rejected(connection: str) -> int:
    rejected = Delivery.objects.filter(connection=connection).exclude(result=DeliveryResult.ACCEPTED)
    beyond = rejected.order_by("-id").values_list("id", flat=True)[REJECTED_KEPT:][:1]
    return sum(keeping.delete(rejected.filter(id__lte=newest)) for newest in beyond)
