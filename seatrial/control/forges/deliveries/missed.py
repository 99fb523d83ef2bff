"""Deliveries that did not come, read from forges that keep them."""

from datetime import datetime, timedelta

import httpx
import structlog
from django.utils import timezone

from seatrial.control.forges import drift, hooks, intake
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.models import Comparison, Delivery, DeliveryResult, DriftKind, Ending
from seatrial.control.forges.protocol import Forge, KeepsDeliveries, MissedDelivery
from seatrial.control.forges.registry import registered
from seatrial.control.projects.events import Gone
from seatrial.control.projects.models import Connection, Project

log = structlog.get_logger(__name__)

EVERY = timedelta(minutes=5)
OVERLAP = timedelta(minutes=10)  # a delivery is listed under the time of its attempt, which may be long
MOST = 100  # of a project at a time; the next look goes on where this one ended


def look_due(forges: Forges, project: Project) -> None:
    """Read the deliveries that the project missed, if the last look is EVERY ago. No transaction is open.

    Idempotent: what is stored already, under the forge's id, is not read again. Raises ForgeError when the forge does not
    answer, or does not let this credential see its deliveries; it is asked again at the next look.
    """
    lately = Comparison.objects.filter(pk=project.pk, looked_at__gt=timezone.now() - EVERY)
    if not lately.exists():
        look(forges, project)


def before_anew(forges: Forges, body: dict[str, str]) -> None:
    """Look before the webhook of the project in `body` is put right: one that is made anew takes what was kept with it.

    Nothing for a webhook that was not there before. Raises ForgeError.
    """
    made = Project.objects.filter(archived_at=None, hook__checked_at__isnull=False)
    project = made.select_related("connection").filter(pk=body["project"]).first()
    if project is not None:
        look(forges, project)


def look(forges: Forges, project: Project) -> None:
    """The same, however long ago the last look is."""
    forge = forges.of(project.connection)
    if project.gone == Gone.DELETED or not isinstance(forge, KeepsDeliveries):
        return
    known = Comparison.objects.filter(pk=project.pk).first()
    Comparison.objects.update_or_create(project=project, defaults={"looked_at": timezone.now()})
    _look(forge, forge, project, known)


def _look(keeper: KeepsDeliveries, forge: Forge, project: Project, known: Comparison | None) -> None:
    asked_at = forge.now()
    since = max(asked_at - keeper.keeps_for, project.created_at, _since(known) or project.created_at)
    listed = keeper.missed_deliveries(project, hooks.address(project.connection), since)
    missed = _unknown(project.connection, listed)
    for one in missed[:MOST]:
        _read(keeper, project, one)
    until = missed[MOST].sent_at if len(missed) > MOST else asked_at
    Comparison.objects.filter(pk=project.pk).update(read_until=until)


def _since(known: Comparison | None) -> datetime | None:
    return known.read_until - OVERLAP if known is not None and known.read_until is not None else None


def _unknown(connection: Connection, listed: list[MissedDelivery]) -> list[MissedDelivery]:
    """Without those that were accepted although the forge did not hear that, and those that were read before."""
    ids = [one.delivery_id for one in listed]
    rows = Delivery.objects.filter(connection=connection, delivery_id__in=ids)
    stored = rows.filter(result=DeliveryResult.ACCEPTED) | rows.filter(fetched=True)
    known = set(stored.values_list("delivery_id", flat=True))
    return [one for one in listed if one.delivery_id not in known]


def _read(keeper: KeepsDeliveries, project: Project, missed: MissedDelivery) -> None:
    kept = keeper.kept_delivery(project, missed)
    reception = intake.receive_fetched(project.connection, httpx.Headers(dict(kept.headers)), kept.body)
    row = Delivery.objects.filter(pk=reception.delivery).first()
    if row is None or row.ending == Ending.IGNORED or row.result != DeliveryResult.ACCEPTED:
        return
    event = registered(project.connection.forge).webhooks.parse(row.event, kept.body)
    drift.note(project, DriftKind.MISSED, getattr(event, "number", None), began=row.received_at)
    log.warning("delivery read from the forge: it had not come", project=project.slug, delivery=row.pk)
