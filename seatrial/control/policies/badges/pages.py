"""The picture, at its public and at its private address, and the page on which its address is made."""

import hashlib

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_GET, require_POST

from seatrial.control.accounts.access import Action, allowed, find_allowed, find_visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.policies.badges import services
from seatrial.control.policies.badges.drawing import svg
from seatrial.control.policies.badges.models import PublicBadge
from seatrial.control.projects.models import Project

SECONDS = 300


@require_GET
def public(request: HttpRequest, token: str) -> HttpResponse:
    """For whoever has the address. What never was one and what is one no more look the same."""
    project = services.project_of(token)
    if project is None:
        raise Http404("There is no such badge.")
    return _picture(request, project, "public")


@require_GET
@login_required
def private(request: HttpRequest, key: str) -> HttpResponse:
    """For people who may see the project."""
    return _picture(request, find_visible(person(request), Project, key), "private")


@require_GET
@login_required
def badge(request: HttpRequest, key: str) -> HttpResponse:
    """The badge, who can see it, and what to paste."""
    project = find_visible(person(request), Project, key, "workspace")
    row = PublicBadge.objects.filter(project=project).first()
    context = {
        "project": project,
        "row": row,
        "badge": services.badge(project),
        "address": services.public_url(row) if row is not None else "",
        "markdown": services.markdown(row) if row is not None else "",
        "may_manage": allowed(person(request), Action.MANAGE_PROJECTS, project),
        "tab": "projects",
    }
    return render(request, "badges/badge.html", context)


@require_POST
@login_required
def publish(request: HttpRequest, key: str) -> HttpResponse:
    """Make a public address, or another one."""
    services.publish(_managed(request, key), by=actor(request))
    messages.success(request, "Whoever has the address below sees the badge.")
    return redirect("badges:badge", key=key)


@require_POST
@login_required
def withdraw(request: HttpRequest, key: str) -> HttpResponse:
    """Make it private."""
    services.withdraw(_managed(request, key), by=actor(request))
    messages.success(request, "The badge is private. Its public address leads nowhere any more.")
    return redirect("badges:badge", key=key)


def _managed(request: HttpRequest, key: str) -> Project:
    return find_allowed(person(request), Action.MANAGE_PROJECTS, Project, key)


def _picture(request: HttpRequest, project: Project, cached: str) -> HttpResponse:
    drawn = svg(services.badge(project)).encode()
    etag = f'"{hashlib.sha256(drawn).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": f"{cached}, max-age={SECONDS}"}
    answer = HttpResponse(drawn, content_type="image/svg+xml; charset=utf-8", headers=headers)
    conditional = get_conditional_response(request, etag=etag, response=answer)
    return answer if conditional is None else conditional
