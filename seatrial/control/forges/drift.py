"""Drift: what happened at a forge without a webhook, and was made up for by asking. A quiet repair would hide a broken webhook.

A repair is noted at once, and counts GRACE later, if no webhook about the same pull request came in the meantime: one that
is only late is no drift. Nor is what is seen when a project is compared for the first time, or for the first time after
AWAY: nobody was here to receive webhooks.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Exists, F, Max, OuterRef, QuerySet
from django.utils import timezone

from seatrial.control.forges.models import Comparison, Delivery, DeliveryResult, Drift, DriftKind, DriftTotal
from seatrial.control.projects.models import Project

GRACE = timedelta(minutes=2)
AWAY = timedelta(minutes=5)
SHOWN = timedelta(hours=1)


def note(project: Project, kind: DriftKind, number: int | None = None, *, began: datetime) -> None:
    """Record a repair, in the caller's transaction if there is one. Several of one pull request within GRACE are one.

    Not if a webhook about the pull request was handled since `began`, when the forge was asked: then it was that one that
    we see.
    """
    now = timezone.now()
    if not _compared_lately(project, now):
        return
    if number is not None:
        told = Delivery.objects.filter(
            connection=project.connection_id,
            external_id=project.external_id,
            number=number,
            handled_at__gte=began,
            received_at__gt=began - GRACE,
            fetched=False,
        )
        lately = Drift.objects.filter(project=project, number=number, at__gt=now - GRACE)
        if told.exists() or lately.exists():
            return
    Drift.objects.create(project=project, kind=kind, number=number, at=now)


def _compared_lately(project: Project, now: datetime) -> bool:
    compared = Comparison.objects.filter(pk=project.pk).values_list("compared_at", flat=True).first()
    return compared is not None and now - compared < AWAY


def compared(project: Project) -> None:
    """Record that the project was just compared with its forge."""
    Comparison.objects.update_or_create(project=project, defaults={"compared_at": timezone.now()})


def told(project: Project, delivery: Delivery) -> None:
    """A webhook about a pull request is handled: a repair of it that was just noted was only quicker."""
    if delivery.number is None or delivery.fetched:
        return
    rows = Drift.objects.filter(project=project, number=delivery.number, confirmed_at=None)
    rows.filter(at__lt=delivery.received_at + GRACE).delete()


@transaction.atomic
def confirm() -> int:
    """Count the drifts for which no webhook came within GRACE; returns how many. Any number of workers may call it.

    While webhooks of a connection wait to be handled, its drifts wait as well.
    """
    now = timezone.now()
    waiting = Delivery.objects.filter(
        connection=OuterRef("project__connection"), handled_at=None, result=DeliveryResult.ACCEPTED
    )
    due = Drift.objects.select_for_update(of=("self",), skip_locked=True).exclude(Exists(waiting))
    rows = list(due.filter(confirmed_at=None, at__lte=now - GRACE).select_related("project"))
    Drift.objects.filter(pk__in=[row.pk for row in rows]).update(confirmed_at=now)
    for row in sorted(rows, key=lambda row: (row.project.connection_id, row.kind)):
        place = {"connection_id": row.project.connection_id, "kind": row.kind}
        DriftTotal.objects.get_or_create(**place)
        DriftTotal.objects.filter(**place).update(count=F("count") + 1)
    return len(rows)


@dataclass(frozen=True)
class Drifted:
    """How many changes of a project came without a webhook in the last hour, and when the last was found."""

    project: str  # its id
    name: str
    connection: str  # its id
    count: int
    last: datetime


def drifted(rows: QuerySet[Drift]) -> list[Drifted]:
    """The projects with drift in the last hour, of those whose drifts are `rows`, by name. One query."""
    recent = rows.filter(confirmed_at__isnull=False, at__gt=timezone.now() - SHOWN)
    places = recent.values_list("project", "project__name", "project__connection").order_by(
        "project__name", "project"
    )
    return [Drifted(*row) for row in places.annotate(Count("pk"), Max("at"))]
