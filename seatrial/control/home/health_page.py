"""The health page: everything that has to work, for the instance admin."""

from collections.abc import Hashable
from typing import Any, NamedTuple

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from seatrial.control.accounts.access import Action, allowed, require, visible
from seatrial.control.accounts.authentication import person
from seatrial.control.accounts.models import User
from seatrial.control.accounts.pages import LivePart, follow, watcher
from seatrial.control.certificates.models import Served
from seatrial.control.certificates.sentences import Sentence, sentence
from seatrial.control.fleet.models import Agent
from seatrial.control.moment import one_moment
from seatrial.control.status.check import Check
from seatrial.control.status.checks import of_agents, of_server
from seatrial.control.status.code_hosts import of_code_hosts
from seatrial.control.status.upkeep import of_upkeep
from seatrial.wire.states import AgentState


@require_GET
@login_required
def health(request: HttpRequest) -> HttpResponse:
    """The page."""
    return render(request, "home/health.html", {**health_context(person(request)), "tab": "health"})


@require_GET
async def health_stream(request: HttpRequest) -> HttpResponseBase:
    """Its live part."""
    user = await watcher(request)
    await sync_to_async(require)(user, Action.MANAGE_AGENTS, None)
    return await follow(request, LivePart("home/parts/health.html", health_context, health_fingerprint))


@one_moment()
def health_context(user: User) -> dict[str, Any]:
    """Everything on the page. Raises AccessDenied."""
    require(user, Action.MANAGE_AGENTS, None)
    found = _all(user)
    checks = [*found.server, *found.agents, *found.code_hosts]
    wrong = [said.grave for _, said in found.certificates if not said.well]
    wrong += [check.grave for check in checks if not check.well]
    return {**found._asdict(), "to_do": sum(wrong), "advice": len(wrong) - sum(wrong)}


def health_fingerprint(user: User) -> Hashable | None:
    """Changes whenever the page does."""
    if not allowed(user, Action.MANAGE_AGENTS, None):
        return None
    found = _all(user)
    return (
        found.server,
        found.agents,
        found.code_hosts,
        tuple((row.pk, row.issuer, *row.names, row.not_after, said) for row, said in found.certificates),
    )


class _Found(NamedTuple):
    server: tuple[Check, ...]
    agents: tuple[Check, ...]
    code_hosts: tuple[Check, ...]
    certificates: list[tuple[Served, Sentence]]


def _all(user: User) -> _Found:
    rows = list(visible(user, Agent).exclude(state=AgentState.REVOKED).order_by("name"))
    certificates = [(row, sentence(row, timezone.now())) for row in visible(user, Served).order_by("name")]
    server = (*of_server(rows), *of_upkeep())
    return _Found(server, tuple(of_agents(rows)), tuple(of_code_hosts()), certificates)
