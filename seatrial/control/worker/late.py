"""Ends late deliveries many at a time. After a storm or an outage, most of what waits tells of what is known in a newer state."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from seatrial.control.forges import drift
from seatrial.control.forges.deliveries import about
from seatrial.control.forges.models import Attempt, Delivery, Drift, Ending
from seatrial.control.forges.protocol import PullRequestChanged
from seatrial.control.forges.registry import registered
from seatrial.control.projects.models import Project, PullRequest
from seatrial.control.projects.services import is_news
from seatrial.control.triggers.events import known_newer

# What handling a delivery changes in its row.
HANDLED = ("outcome", "attempts", "handled_at", "ending", *about.FIELDS)


@dataclass(frozen=True)
class _Told:
    """A change of a pull request, the delivery that tells of it, and the project."""

    delivery: Delivery
    event: PullRequestChanged
    project: Project


@transaction.atomic
def end_late(identities: Sequence[str]) -> set[str]:
    """End those deliveries that tell of a pull request which is known in a newer state; returns which.

    Stores for each what handling it alone would, with few statements for all. Everything else is left as it is: what is
    news, what cannot be read, and what another worker has in hand. Idempotent.
    """
    rows = Delivery.objects.select_for_update(skip_locked=True, of=("self",)).select_related("connection")
    told = _of_projects(rows.filter(pk__in=identities, handled_at=None).order_by("id"))
    pulls = PullRequest.objects.filter(
        project__in={one.project.pk for one in told}, number__in={one.event.number for one in told}
    )
    known = {(pull.project_id, pull.number): pull for pull in pulls}
    late = []
    for one in told:
        pull = known.get((one.project.pk, one.event.number))
        if pull is not None and not is_news(pull, one.event):
            late.append(one)
    _end(late)
    return {one.delivery.pk for one in late}


def _of_projects(deliveries: Iterable[Delivery]) -> list[_Told]:
    events = [(row, event) for row in deliveries if (event := _read(row)) is not None]
    rows = Project.objects.filter(
        connection__in={row.connection_id for row, _ in events},
        external_id__in={event.external_id for _, event in events},
        archived_at=None,
    )
    projects = {(project.connection_id, project.external_id): project for project in rows}
    found = [(row, event, projects.get((row.connection_id, event.external_id))) for row, event in events]
    return [_Told(row, event, project) for row, event, project in found if project is not None]


def _read(delivery: Delivery) -> PullRequestChanged | None:
    try:
        event = registered(delivery.connection.forge).webhooks.parse(delivery.event, bytes(delivery.body))
    except Exception:
        return None  # whoever handles it alone counts and shows that
    return event if isinstance(event, PullRequestChanged) else None


def _end(late: Sequence[_Told]) -> None:
    projects = {one.project.pk for one in late}
    noted = set(
        Drift.objects.filter(project__in=projects, confirmed_at=None).values_list("project", "number")
    )
    for one in late:
        delivery = one.delivery
        about.note(delivery, one.event)
        if (one.project.pk, delivery.number) in noted:
            drift.told(one.project, delivery)
        delivery.outcome, delivery.ending = known_newer(one.event.number), Ending.DONE
        delivery.attempts += 1
        delivery.handled_at = timezone.now()
    deliveries = [one.delivery for one in late]
    Delivery.objects.bulk_update(deliveries, HANDLED)
    Attempt.objects.bulk_create(
        Attempt(delivery=row, failed=False, outcome=row.outcome, by=row.replayed_by) for row in deliveries
    )
