"""The page on which a webhook is tested, and what came of it is shown as it happens."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods
from ulid import ULID

from seatrial.control.accounts.access import Action, find_visible, require
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import User
from seatrial.control.accounts.pages import LivePart, follow, watcher
from seatrial.control.errors import ControlError
from seatrial.control.forges import hooks
from seatrial.control.forges.connected import OF_WEB
from seatrial.control.forges.deliveries.advice import advice
from seatrial.control.forges.deliveries.firing import came, fire
from seatrial.control.forges.registry import registered
from seatrial.control.projects.models import Connection

LONG = timedelta(seconds=15)
TAB = {"tab": "connections"}
ASKED = ("after", "own")  # in the page's address, and in its stream's


@require_http_methods(["GET", "POST"])
@login_required
def webhook(request: HttpRequest, key: str) -> HttpResponse:
    """Send a test, then show what comes. A connection whose secret differs is the usual finding."""
    user = person(request)
    row = _manageable(user, key)
    if request.method == "POST":
        return _fire(request, row)
    asked = {name: request.GET.get(name, "") for name in ASKED}
    context = {
        **_shown(user, key, **asked),
        "sender": request.GET.get("sender", "")[:200],
        "projects": row.projects.filter(archived_at=None).order_by("name", "id")[:200],
        "stream": f"{reverse('connections:webhook_stream', args=[row.pk])}?{urlencode(asked)}",
        **TAB,
    }
    return render(request, "forges/webhook.html", context)


def _fire(request: HttpRequest, row: Connection) -> HttpResponse:
    chosen = request.POST.get("project", "").replace("\x00", "")
    project = row.projects.filter(pk=chosen, archived_at=None).first() if chosen else None
    address = reverse("connections:webhook", args=[row.pk])
    try:
        fired = fire(OF_WEB, row, by=actor(request), project=project)
    except ControlError as error:
        messages.warning(request, str(error))
        return redirect(address)
    told = {"after": fired.after, "sender": fired.sender, "own": "yes" if fired.own else ""}
    return redirect(f"{address}?{urlencode(told)}")


@require_GET
async def webhook_stream(request: HttpRequest, key: str) -> HttpResponseBase:
    """The live part: whether it has come."""
    user = await watcher(request)
    await sync_to_async(_manageable)(user, key)
    asked = {name: request.GET.get(name, "") for name in ASKED}

    def context(user: User) -> dict[str, Any]:
        return _shown(user, key, **asked)

    def fingerprint(user: User) -> Any:
        shown = context(user)
        found = shown["delivery"]
        return (found.pk if found else "", shown["late"])

    return await follow(request, LivePart("forges/parts/webhook.html", context, fingerprint))


def _shown(user: User, key: str, *, after: str, own: str) -> dict[str, Any]:
    """`own`: "yes" when this server sent the test, and so nothing shows yet that the code host reaches it."""
    row = _manageable(user, key)
    sent_at = _time_of(after)
    found = came(row, after) if sent_at is not None else None
    return {
        "connection": row,
        "kind": registered(row.forge),
        "own": own == "yes",
        "address": hooks.address(row),
        "sent": sent_at is not None,
        "sent_at": sent_at,
        "delivery": found,
        "advice": advice(found) if found is not None else None,
        "late": found is None and sent_at is not None and timezone.now() - sent_at > LONG,
    }


def _time_of(after: str) -> Any:
    try:
        return ULID.from_str(after).datetime
    except ValueError:
        return None


def _manageable(user: User, key: str) -> Connection:
    row = find_visible(user, Connection, key, "workspace")
    require(user, Action.MANAGE_CONNECTIONS, row)
    return row
