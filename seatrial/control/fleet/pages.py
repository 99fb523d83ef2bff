"""Agents: who is there, how loaded, how well they isolate."""

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from seatrial.control.accounts.access import Action, allowed, visible
from seatrial.control.accounts.authentication import person
from seatrial.control.accounts.models import User
from seatrial.control.accounts.pages import LivePart, follow, watcher
from seatrial.control.fleet.absence import why_away
from seatrial.control.fleet.hosts import host_lines, other_warnings
from seatrial.control.fleet.models import Agent

Placed = Callable[[], Mapping[str, int]]  # how many previews are on each agent, by its id


def agents_context(placed: Placed, user: User) -> dict[str, Any]:
    """The page's variables: every agent, how many previews are on it, what must be right on its host, what else it warns of, and why it is away."""
    counts = placed()
    rows = visible(user, Agent).filter(removed_at=None).order_by("revoked_at", "name")
    return {
        "agents": [
            (agent, counts.get(agent.pk, 0), host_lines(agent), other_warnings(agent), why_away(agent))
            for agent in rows
        ]
    }


def agents_fingerprint(user: User) -> Hashable | None:
    """Changes with every heartbeat."""
    return tuple(
        visible(user, Agent)
        .order_by("pk")
        .values_list("pk", "state", "last_heartbeat_at", "draining_since", "refused_at")
    )


@require_GET
@login_required
def agents(request: HttpRequest, placed: Placed) -> HttpResponse:
    """The page."""
    context = agents_context(placed, person(request))
    invites = allowed(person(request), Action.MANAGE_AGENTS, None)
    return render(request, "fleet/agents.html", {**context, "invites": invites, "tab": "agents"})


@require_GET
async def agents_stream(request: HttpRequest, placed: Placed) -> HttpResponseBase:
    """Its live part."""
    await watcher(request)
    part = LivePart("fleet/parts/agents.html", partial(agents_context, placed), agents_fingerprint)
    return await follow(request, part)
