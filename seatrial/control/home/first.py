"""The last step of connecting: the chosen repositories, which fill with their webhooks, first verdicts and previews."""

from collections.abc import Hashable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from seatrial.control.accounts.access import Action, find_allowed, visible
from seatrial.control.accounts.authentication import person
from seatrial.control.accounts.models import User
from seatrial.control.accounts.pages import LivePart, follow, watcher
from seatrial.control.forges.connecting_pages import steps
from seatrial.control.home.begun import begun
from seatrial.control.home.sample import SAMPLE_RECIPE
from seatrial.control.moment import one_moment
from seatrial.control.projects.models import Connection, Project

MOST_SHOWN = 20


@require_GET
@login_required
def first(request: HttpRequest, key: str) -> HttpResponse:
    """What the newest projects of a connection have come to."""
    context = first_context(person(request), key)
    context |= {"steps": steps(4), "sample_recipe": SAMPLE_RECIPE, "tab": "connections"}
    return render(request, "home/first.html", context)


@require_GET
async def first_stream(request: HttpRequest, key: str) -> HttpResponseBase:
    """Its live part."""
    user = await watcher(request)
    await sync_to_async(_connection)(user, key)
    part = LivePart(
        "home/parts/first.html", lambda user: first_context(user, key), lambda user: _fingerprint(user, key)
    )
    return await follow(request, part)


@one_moment()
def first_context(user: User, key: str) -> dict[str, Any]:
    """Everything on the page. Raises NotFound, AccessDenied."""
    connection = _connection(user, key)
    rows = _newest(user, key).select_related("connection", "workspace")
    return {"connection": connection, "begun": begun(user, list(rows))}


def _newest(user: User, key: str) -> Any:
    rows = visible(user, Project).filter(connection=key, archived_at=None)
    return rows.order_by("-created_at", "-id")[:MOST_SHOWN]


def _fingerprint(user: User, key: str) -> Hashable | None:
    if not visible(user, Connection).filter(pk=key).exists():
        return None
    rows = begun(user, list(_newest(user, key).select_related("connection")))
    return tuple(
        (
            one.project.pk,
            one.hook and (one.hook.problem, one.hook.checked_at is not None),
            one.evaluation and (one.evaluation.pk, one.evaluation.state),
            one.environment and (one.environment.pk, one.environment.state),
        )
        for one in rows
    )


def _connection(user: User, key: str) -> Connection:
    return find_allowed(user, Action.MANAGE_CONNECTIONS, Connection, key, "workspace")
