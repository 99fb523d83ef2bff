"""Deletes pictures that are too old, too many, or of previews that are gone. What is known of them stays, with their deployment."""

from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from seatrial.control import keeping
from seatrial.control.previews.evidence.models import Screenshot
from seatrial.wire.states import EnvironmentState

MOST_PICTURES = 10  # of one service of one preview


def prune(now: datetime) -> int:
    """Delete pictures; returns how many. Of a preview that is gone, only the last of a merged pull request stays: others are compared
    with it."""
    kept = Screenshot.objects.filter(picture__isnull=False).annotate(newer=Subquery(_newer()))
    gone = Q(deployment__environment__state=EnvironmentState.TERMINATED)
    merged = Q(deployment__environment__pull_request__merged=True)
    over = kept.filter(
        Q(taken_at__lt=keeping.SCREENSHOTS.horizon(now))
        | Q(newer__gte=MOST_PICTURES)
        | (gone & ~merged)
        | (gone & merged & Q(newer__gte=1))
    )
    rows = list(over.values_list("pk", flat=True)[: keeping.BATCH])
    return Screenshot.objects.filter(pk__in=rows).update(picture=None, difference=None)


def _newer() -> QuerySet[Screenshot, Any]:
    """How many newer pictures there are of the same service of the same preview; none at all is NULL."""
    newer = Screenshot.objects.filter(
        deployment__environment=OuterRef("deployment__environment"),
        service=OuterRef("service"),
        picture__isnull=False,
        id__gt=OuterRef("id"),
    )
    return newer.order_by().values("service").annotate(count=Count("id")).values("count")
