"""The page of the first steps, for the instance admin. When everything is done, it leads to the start page."""

from collections.abc import Hashable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from seatrial.control.accounts.access import Action, allowed, require
from seatrial.control.accounts.authentication import person
from seatrial.control.accounts.models import User
from seatrial.control.accounts.pages import LivePart, follow, watcher
from seatrial.control.forges.connecting_pages import Step
from seatrial.control.home.setup import Setup, is_finished, setup
from seatrial.control.moment import one_moment


@require_GET
@login_required
def setup_page(request: HttpRequest) -> HttpResponse:
    """All steps."""
    user = person(request)
    require(user, Action.MANAGE_AGENTS, None)
    if is_finished(user):
        return redirect("home:home")
    return render(request, "home/setup.html", {**setup_context(user), "tab": "home"})


@require_GET
async def setup_stream(request: HttpRequest) -> HttpResponseBase:
    """Its live part."""
    user = await watcher(request)
    await sync_to_async(require)(user, Action.MANAGE_AGENTS, None)
    return await follow(request, LivePart("home/parts/setup.html", setup_context, setup_fingerprint))


@one_moment()
def setup_context(user: User) -> dict[str, Any]:
    """Everything on the page. Raises AccessDenied."""
    require(user, Action.MANAGE_AGENTS, None)
    now = setup(user)
    return {"setup": now, "steps": _steps(now)}


def setup_fingerprint(user: User) -> Hashable | None:
    """Changes whenever the page does."""
    return setup(user).tasks if allowed(user, Action.MANAGE_AGENTS, None) else None


def unfinished(user: User) -> Setup | None:
    """For the start page of the instance admin: the set-up, until it is finished."""
    if not allowed(user, Action.MANAGE_AGENTS, None) or is_finished(user):
        return None
    return setup(user)


def _steps(now: Setup) -> list[Step]:
    return [
        Step(number, task.word, task is now.next and not task.done, task.done)
        for number, task in enumerate(now.tasks, start=1)
    ]
