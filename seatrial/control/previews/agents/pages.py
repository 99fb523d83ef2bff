"""The page of one agent: how it is, what runs on it, what draining would do, and the buttons of the instance admin."""

from collections.abc import Callable, Hashable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from seatrial.control.accounts.access import Action, allowed, find_allowed, find_visible, visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import User
from seatrial.control.accounts.pages import LivePart, follow, watcher
from seatrial.control.audit.actors import Actor
from seatrial.control.dashboard.asking import ask
from seatrial.control.fleet import services as fleet
from seatrial.control.fleet.errors import FleetError
from seatrial.control.fleet.models import Agent
from seatrial.control.previews import draining
from seatrial.control.previews.agents.shown import agent_shown
from seatrial.control.previews.models import Environment


def agent_context(user: User, key: str) -> dict[str, Any]:
    """The page's variables. Raises NotFound."""
    shown = agent_shown(user, key)
    return {"shown": shown, "agent": shown.agent, "manages": allowed(user, Action.MANAGE_AGENTS, shown.agent)}


def agent_fingerprint(user: User, key: str) -> Hashable | None:
    """Changes with every heartbeat, and with whatever becomes of the previews on it."""
    facts = ("state", "last_heartbeat_at", "draining_since", "removed_at")
    row = visible(user, Agent).filter(pk=key).values_list(*facts).first()
    there = Environment.objects.filter(placements__agent=key, placements__removed_at=None)
    return row and (row, *there.aggregate(many=Count("pk"), revisions=Sum("revision")).values())


@require_GET
@login_required
def agent(request: HttpRequest, key: str) -> HttpResponse:
    """The page."""
    return render(request, "previews/agent.html", {**agent_context(person(request), key), "tab": "agents"})


@require_GET
async def agent_stream(request: HttpRequest, key: str) -> HttpResponseBase:
    """Its live part."""
    user = await watcher(request)
    await sync_to_async(find_visible)(user, Agent, key)
    part = LivePart(
        "previews/parts/agent.html",
        lambda user: agent_context(user, key),
        lambda user: agent_fingerprint(user, key),
    )
    return await follow(request, part)


@require_http_methods(["GET", "POST"])
@login_required
def drain(request: HttpRequest, key: str) -> HttpResponse:
    """Ask, with what would move and what stays; then drain it."""
    return _ordered(request, key, "drain", draining.drain, "drains: what can move is on its way")


@require_http_methods(["GET", "POST"])
@login_required
def undrain(request: HttpRequest, key: str) -> HttpResponse:
    """Ask, then let it take previews again."""
    return _ordered(request, key, "undrain", fleet.undrain, "takes new previews again")


@require_http_methods(["GET", "POST"])
@login_required
def revoke(request: HttpRequest, key: str) -> HttpResponse:
    """Ask, then cut it off."""
    return _ordered(request, key, "revoke", fleet.revoke, "is revoked")


@require_http_methods(["GET", "POST"])
@login_required
def remove(request: HttpRequest, key: str) -> HttpResponse:
    """Ask, then take it off the lists."""
    return _ordered(request, key, "remove", draining.remove, "is removed. What it did is kept")


def _ordered(request: HttpRequest, key: str, order: str, act: Callable[..., None], done: str) -> HttpResponse:
    row = find_allowed(person(request), Action.MANAGE_AGENTS, Agent, key)
    if request.method != "POST":
        asked = {"shown": agent_shown(person(request), key), "agent": row, "order": order, "tab": "agents"}
        return ask(request, "previews/parts/confirm_agent.html", asked)
    _obey(request, row, act, actor(request), done)
    return redirect("agents:agent", key=row.pk)


def _obey(request: HttpRequest, row: Agent, act: Callable[..., None], by: Actor, done: str) -> None:
    try:
        act(row, by=by)
    except FleetError as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, f"Agent {row.name} {done}.")
