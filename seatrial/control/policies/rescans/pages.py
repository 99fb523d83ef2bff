"""The pages of re-scans, which fill while one runs, and what people order there."""

from collections.abc import Callable, Hashable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from seatrial.control.accounts.access import Action, find_allowed, find_visible, require, visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import User, Workspace
from seatrial.control.accounts.pages import LivePart, follow, watcher
from seatrial.control.policies.errors import PolicyError
from seatrial.control.policies.models import Policy
from seatrial.control.policies.rescans import asking
from seatrial.control.policies.rescans.models import Rescan
from seatrial.control.policies.rescans.shown import action_of, progress, rescan_context, rescans_context
from seatrial.control.projects.errors import ProjectError
from seatrial.control.projects.models import Project

TAB = {"tab": "policies"}


@require_GET
@login_required
def rescans(request: HttpRequest) -> HttpResponse:
    """The newest ones, and which projects have a schedule."""
    return render(request, "rescans/rescans.html", {**rescans_context(person(request)), **TAB})


@require_GET
@login_required
def rescan(request: HttpRequest, key: str) -> HttpResponse:
    """One of them."""
    return render(request, "rescans/rescan.html", {**rescan_context(person(request), key), **TAB})


@require_GET
async def rescan_stream(request: HttpRequest, key: str) -> HttpResponseBase:
    """Its live part."""

    def context(user: User) -> dict[str, Any]:
        return rescan_context(user, key)

    def fingerprint(user: User) -> Hashable | None:
        row = visible(user, Rescan).filter(pk=key).first()
        return None if row is None else (row.state, progress(row))

    user = await watcher(request)
    await sync_to_async(context)(user)  # raises NotFound
    return await follow(request, LivePart("rescans/parts/rescan.html", context, fingerprint))


@require_POST
@login_required
def of_project(request: HttpRequest, key: str) -> HttpResponse:
    """Re-scan a project now."""
    row = find_allowed(person(request), Action.RUN_EVALUATION, Project, key, "workspace")
    return _ordered(
        request, lambda: asking.of_project(row, by=actor(request)), redirect("home:project", key=row.pk)
    )


@require_POST
@login_required
def of_policy(request: HttpRequest, key: str) -> HttpResponse:
    """Run a policy on all projects that it is attached to."""
    row = find_allowed(person(request), Action.MANAGE_POLICIES, Policy, key, "workspace")
    pulls = "pull_requests" in request.POST
    back = redirect("authoring:policy", row.workspace.slug, row.slug)
    return _ordered(request, lambda: asking.of_policy(row, by=actor(request), pull_requests=pulls), back)


@require_POST
@login_required
def of_workspace(request: HttpRequest, key: str) -> HttpResponse:
    """Re-scan all projects of a workspace."""
    row = find_allowed(person(request), Action.MANAGE_POLICIES, Workspace, key)
    pulls = "pull_requests" in request.POST
    order = lambda: asking.of_workspace(row, by=actor(request), pull_requests=pulls)  # noqa: E731
    return _ordered(request, order, redirect("rescans:rescans"))


@require_POST
@login_required
def stop(request: HttpRequest, key: str) -> HttpResponse:
    """Begin nothing more of it."""
    row = find_visible(person(request), Rescan, key, "workspace")
    require(person(request), action_of(row), row)
    asking.stop(row, by=actor(request))
    messages.success(request, "Stopped. What was under way is still finished, and counts.")
    return redirect("rescans:rescan", key=row.pk)


def _ordered(request: HttpRequest, order: Callable[[], Rescan], back: HttpResponse) -> HttpResponse:
    """The page of what was begun; back with the reason if it cannot be."""
    try:
        return redirect("rescans:rescan", key=order().pk)
    except (PolicyError, ProjectError) as error:
        messages.warning(request, str(error))
        return back
