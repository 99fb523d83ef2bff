"""Finding deliveries: the filters that the page, REST and the command line share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from seatrial.control.forges.models import Delivery
from seatrial.control.projects.models import Project

EVENTS_OF = 500  # the newest deliveries, whose events are offered


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which deliveries are wanted. What is empty filters nothing; `since` is inclusive, `until` is not."""

    search: str = ""
    result: str = ""
    ending: str = ""
    event: str = ""
    connection: str = ""
    since: datetime | None = None
    until: datetime | None = None


def matching(rows: QuerySet[Delivery], wanted: Wanted) -> QuerySet[Delivery]:
    """Those of `rows` that are wanted."""
    exact = {
        "result": wanted.result,
        "ending": wanted.ending,
        "event": wanted.event,
        "connection": wanted.connection,
        "received_at__gte": wanted.since,
        "received_at__lt": wanted.until,
    }
    rows = rows.filter(**{name: value for name, value in exact.items() if value})
    return rows.filter(_about(wanted.search.strip())) if wanted.search.strip() else rows


def _about(text: str) -> Q:
    places = ("repository", "outcome", "event", "connection__name")
    found = Q(pk=text) | Q(delivery_id__istartswith=text) | Q(external_id=text)
    for place in places:
        found |= Q(**{f"{place}__icontains": text})
    found |= Q(external_id__in=Project.objects.filter(_called(text)).values("external_id"))
    name, _, number = text.rpartition("#")
    if number.isdecimal() and len(number) < 10:
        found |= Q(number=int(number), repository__icontains=name.strip())
    return found


def _called(text: str) -> Q:
    return Q(name__icontains=text) | Q(slug=text) | Q(full_name__icontains=text)


def events_of(rows: QuerySet[Delivery]) -> Sequence[str]:
    """The events of the newest of `rows`, for people to choose from."""
    return sorted(set(rows.order_by("-id").values_list("event", flat=True)[:EVENTS_OF]) - {""})
