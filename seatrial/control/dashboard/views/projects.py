"""Projects, and one project with its pull requests."""

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET

from seatrial.control.accounts.access import visible
from seatrial.control.dashboard.live import watched_one, watcher
from seatrial.control.dashboard.overview import fingerprint, project_context
from seatrial.control.dashboard.requests import one, signed_in
from seatrial.control.dashboard.streams import Watched, stream
from seatrial.control.projects.models import Project


@require_GET
@login_required
def projects(request: HttpRequest) -> HttpResponse:
    """Every project that the reader may see."""
    rows = (
        visible(signed_in(request), Project)
        .select_related("connection", "workspace")
        .annotate(
            open_pulls=Count("pull_requests", Q(pull_requests__state="open"), distinct=True),
            running=Count("environments", Q(environments__state="running"), distinct=True),
        )
        .order_by("archived_at", "name", "id")
    )
    return render(request, "dashboard/projects.html", {"projects": rows, "tab": "projects"})


@require_GET
@login_required
def project(request: HttpRequest, key: str) -> HttpResponse:
    """Its pull requests as cards."""
    user = signed_in(request)
    found = one(visible(user, Project).select_related("workspace", "connection"), key)
    context = {**project_context(user, found), "tab": "projects"}
    return render(request, "dashboard/project.html", context)


@require_GET
async def project_stream(request: HttpRequest, key: str) -> HttpResponseBase:
    """Its live part."""
    user = await watcher(request)
    found = await watched_one(visible(user, Project).select_related("workspace"), key)
    return await stream(
        request,
        Watched(
            lambda user: fingerprint(user, found),
            lambda user: render_to_string(
                "dashboard/parts/project.html", project_context(user, found), request
            ),
        ),
    )
