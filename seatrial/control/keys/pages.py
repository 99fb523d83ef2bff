"""The page of keys, for the instance admin."""

from collections.abc import Hashable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from seatrial.control.accounts.access import Action, allowed, require
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import User
from seatrial.control.accounts.pages import LivePart, follow, watcher
from seatrial.control.dashboard.asking import ask
from seatrial.control.keys import services
from seatrial.control.keys.overview import overview
from seatrial.control.keys.reentry import reentries
from seatrial.control.policies.signing import services as signing
from seatrial.control.vault import rewrapping

TAB = {"tab": "keys"}
SHOWN = 50


@require_GET
@login_required
def keys(request: HttpRequest) -> HttpResponse:
    """The page."""
    return render(request, "keys/keys.html", {**keys_context(person(request)), **TAB})


@require_GET
async def keys_stream(request: HttpRequest) -> HttpResponseBase:
    """Its live part."""
    user = await watcher(request)
    await sync_to_async(require)(user, Action.MANAGE_KEYS, None)
    return await follow(request, LivePart("keys/parts/keys.html", keys_context, keys_fingerprint))


def keys_context(user: User) -> dict[str, Any]:
    """Everything on the page. Raises AccessDenied."""
    require(user, Action.MANAGE_KEYS, None)
    return {"master": rewrapping.state(), "rows": overview(), "lost": reentries()}


def keys_fingerprint(user: User) -> Hashable | None:
    """Changes with every batch of a re-wrap, and with every rotation."""
    if not allowed(user, Action.MANAGE_KEYS, None):
        return None
    return rewrapping.state(), tuple((row.kind, row.count, row.rotated_at) for row in overview())


@require_POST
@login_required
def rewrap(request: HttpRequest) -> HttpResponse:
    """Have the newest master key seal from now on; a worker does the rest."""
    require(person(request), Action.MANAGE_KEYS, None)
    services.begin_rewrap(by=actor(request))
    return redirect("keys:keys")


@require_POST
@login_required
def verify(request: HttpRequest) -> HttpResponse:
    """Open every secret with the newest master key alone, and show which it does not open."""
    require(person(request), Action.MANAGE_KEYS, None)
    found = rewrapping.verify()
    context = {"found": found, "closed": found.closed[:SHOWN], "more": max(0, len(found.closed) - SHOWN)}
    return render(request, "keys/verified.html", {**context, **TAB})


@require_http_methods(["GET", "POST"])
@login_required
def rotate_signing_key(request: HttpRequest) -> HttpResponse:
    """Ask, then have another key sign results."""
    require(person(request), Action.MANAGE_KEYS, None)
    if request.method == "GET":
        return ask(request, "keys/parts/confirm_rotate.html", TAB)
    made = signing.rotate(by=actor(request))
    messages.success(request, f"Results are signed with the key {made.key_id[:16]}… from now on.")
    return redirect("keys:keys")
