"""Agents: who is there, how loaded, how well they isolate."""

from collections.abc import Hashable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.models import User
from seatrial.control.dashboard.live import watcher
from seatrial.control.dashboard.overview import placed
from seatrial.control.dashboard.requests import signed_in
from seatrial.control.dashboard.streams import Watched, stream
from seatrial.control.fleet.models import Agent


def agents_context(user: User) -> dict[str, Any]:
    """The page's variables; one query."""
    return {"agents": list(placed(visible(user, Agent)).order_by("revoked_at", "name"))}


@require_GET
@login_required
def agents(request: HttpRequest) -> HttpResponse:
    """The page."""
    return render(request, "dashboard/agents.html", {**agents_context(signed_in(request)), "tab": "agents"})


@require_GET
async def agents_stream(request: HttpRequest) -> HttpResponseBase:
    """Its live part."""
    await watcher(request)

    def fingerprint(user: User) -> Hashable | None:
        return tuple(visible(user, Agent).order_by("pk").values_list("pk", "state", "last_heartbeat_at"))

    return await stream(
        request,
        Watched(
            fingerprint,
            lambda user: render_to_string("dashboard/parts/agents.html", agents_context(user), request),
        ),
    )
