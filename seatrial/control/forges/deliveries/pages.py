"""The pages of deliveries: all of them, one of them, and the test of a webhook."""

from datetime import timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from seatrial.control.accounts.access import (
    Action,
    allowed,
    find_visible,
    require,
    require_somewhere,
    visible,
)
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import User
from seatrial.control.accounts.pages import LivePart, follow, watcher
from seatrial.control.dashboard.links import Named
from seatrial.control.dashboard.paging import page_of
from seatrial.control.forges.deliveries import about, replay
from seatrial.control.forges.deliveries.advice import advice, repair
from seatrial.control.forges.deliveries.payload import SHOWN, pretty
from seatrial.control.forges.deliveries.search import Wanted, events_of, matching
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.models import Attempt, Delivery, DeliveryResult, Ending
from seatrial.control.forges.registry import FORGES
from seatrial.control.projects.models import Connection

TAB = {"tab": "deliveries"}
WITHIN = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
FILTERS = ("search", "result", "ending", "event", "connection", "within")


@require_GET
@login_required
def deliveries(request: HttpRequest, named: Named) -> HttpResponse:
    """Webhooks as they came in: the result, what each was about, and what it led to."""
    user = person(request)
    require_somewhere(user, Action.VIEW_DELIVERIES)
    filters = {name: request.GET.get(name, "").replace("\x00", "") for name in FILTERS}
    seen = visible(user, Delivery)
    rows = matching(seen.select_related("connection").defer("body", "headers"), _wanted(filters))
    page = page_of(request, rows.order_by("-id"))
    projects = about.projects_of(page["rows"])
    connections = list(visible(user, Connection).order_by("forge", "name", "id"))
    of = next((one for one in connections if one.pk == filters["connection"]), None)
    context = {
        **page,
        "listed": [(row, projects.get(row.pk), advice(row)) for row in page["rows"]],
        "links": named(user, [row.outcome for row in page["rows"]]),
        "filters": filters,
        "filtered": any(value for name, value in filters.items() if name != "connection" or of is None),
        "results": DeliveryResult.values,
        "endings": Ending.values,
        "events": events_of(seen),
        "kinds": _by_kind(connections),
        "of": of,
        **TAB,
    }
    return render(request, "forges/deliveries.html", context)


def _wanted(filters: dict[str, str]) -> Wanted:
    within = WITHIN.get(filters["within"])
    return Wanted(
        search=filters["search"],
        result=filters["result"],
        ending=filters["ending"],
        event=filters["event"],
        connection=filters["connection"],
        since=timezone.now() - within if within is not None else None,
    )


def _by_kind(connections: list[Connection]) -> dict[str, list[Connection]]:
    """By the title of their kind of code host."""
    kinds: dict[str, list[Connection]] = {}
    for one in connections:
        kinds.setdefault(FORGES[one.forge].title if one.forge in FORGES else one.forge, []).append(one)
    return kinds


@require_GET
@login_required
def delivery(request: HttpRequest, key: str, named: Named) -> HttpResponse:
    """One delivery: what was sent, and every attempt to handle it."""
    user = person(request)
    row = find_visible(user, Delivery, key, "connection")
    context = {
        **_handling(user, key, named),
        "payload": pretty(row),
        "size": len(row.body),
        "cut": len(row.body) > SHOWN,
        **TAB,
    }
    return render(request, "forges/delivery.html", context)


def _handling(user: User, key: str, named: Named) -> dict[str, Any]:
    """What changes while a delivery is handled. Raises NotFound."""
    row = find_visible(user, Delivery, key, "connection__workspace")
    tries = list(row.tries.all())
    accepted = row.result == DeliveryResult.ACCEPTED
    said = advice(row)
    return {
        "row": row,
        "accepted": accepted,
        "project": about.projects_of([row]).get(row.pk),
        "advice": said,
        "repair": repair(row, said),
        "tries": tries,
        "links": named(user, [row.outcome, *(one.outcome for one in tries)]),
        "may_replay": accepted and allowed(user, Action.REPLAY_DELIVERIES, row.connection),
        "why_not": "" if accepted else replay.WHY_NOT[DeliveryResult(row.result)],
    }


@require_GET
async def delivery_stream(request: HttpRequest, key: str, named: Named) -> HttpResponseBase:
    """The live part of a delivery's page."""
    user = await watcher(request)
    await sync_to_async(find_visible)(user, Delivery, key)

    def fingerprint(user: User) -> Any:
        rows = visible(user, Delivery).filter(pk=key)
        seen = rows.values_list("handled_at", "attempts", "outcome", "replayed_at").first()
        return seen and (*seen, visible(user, Attempt).filter(delivery=key).count())

    part = LivePart("forges/parts/delivery.html", lambda user: _handling(user, key, named), fingerprint)
    return await follow(request, part)


@require_POST
@login_required
def replay_delivery(request: HttpRequest, key: str, named: Named) -> HttpResponse:
    """Handle the stored body again."""
    user = person(request)
    row = find_visible(user, Delivery, key, "connection")
    require(user, Action.REPLAY_DELIVERIES, row)
    try:
        replay.replay(row, by=actor(request))
    except ForgeError as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, "It is handled again. What comes of it appears here.")
    return redirect("forges:delivery", key=row.pk)
