"""Deletes projects and connections whose removal was asked for, once nothing of them is left elsewhere."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from seatrial.control import keeping
from seatrial.control.forges.models import Delivery, FactsSnapshot, Hook
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Connection, Project, PullRequest

# A forge that does not answer for this long may be gone for good; then a webhook may stay there, and leads nowhere.
WEBHOOK_PATIENCE = timedelta(days=1)
BATCH = 100  # each has rows that depend on it


def prune(now: datetime) -> int:
    """Delete them; returns how many projects and connections. Idempotent, and any number of workers may do it at once.

    A project waits until its previews are removed from every host, because their rows are what their removal is
    reported to, and until its webhook is removed, for WEBHOOK_PATIENCE at most. A connection waits for its projects,
    because their webhooks are removed with its credential, and until its authorization is withdrawn, for WEBHOOK_PATIENCE
    at most.
    """
    gone = sum(_delete_project(pk) for pk in _over(now).values_list("pk", flat=True))
    withdrawn = Q(authorization=None) | Q(removal_asked_at__lt=now - WEBHOOK_PATIENCE)
    empty = Connection.objects.filter(withdrawn, removal_asked_at__isnull=False, projects=None)
    return gone + sum(_delete_connection(pk) for pk in empty.values_list("pk", flat=True))


def _over(now: datetime) -> QuerySet[Project]:
    there = Environment.objects.filter(project=OuterRef("pk"), removed_at=None)
    webhook_gone = ~Exists(Hook.objects.filter(project=OuterRef("pk")))
    patience_over = Q(removal_asked_at__lt=now - WEBHOOK_PATIENCE)
    asked = Project.objects.filter(removal_asked_at__isnull=False)
    return asked.filter(~Exists(there), webhook_gone | patience_over)


def _delete_project(pk: str) -> bool:
    """In batches first, so that nobody waits long for a lock. Somebody may restore it meanwhile: then what is left stays."""
    for rows in (Evaluation.objects, Environment.objects, FactsSnapshot.objects, PullRequest.objects):
        asked = rows.filter(project=pk, project__removal_asked_at__isnull=False)
        keeping.delete(asked, batch=BATCH)
    with transaction.atomic():
        row = Project.objects.select_for_update().filter(pk=pk, removal_asked_at__isnull=False).first()
        return row is not None and bool(row.delete())


def _delete_connection(pk: str) -> bool:
    keeping.delete(Delivery.objects.filter(connection=pk, connection__removal_asked_at__isnull=False))
    with transaction.atomic():
        rows = Connection.objects.select_for_update().filter(pk=pk, removal_asked_at__isnull=False)
        row = rows.first()
        return row is not None and not row.projects.exists() and bool(row.delete())
