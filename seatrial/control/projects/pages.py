"""The list of projects, and each one's settings."""

from collections.abc import Callable, Mapping

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, F, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from seatrial.control.accounts.access import Action, allowed, allowed_somewhere, find_allowed, visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.projects.callbacks import url
from seatrial.control.projects.changing import change_project
from seatrial.control.projects.errors import ProjectError
from seatrial.control.projects.forms import form_of
from seatrial.control.projects.models import Connection, Project, PullRequestState

Running = Callable[[], Mapping[str, int]]  # how many previews of each project run, by its id


@require_GET
@login_required
def projects(request: HttpRequest, running: Running) -> HttpResponse:
    """Every project that the reader may see."""
    rows = (
        visible(person(request), Project)
        .select_related("connection", "workspace")
        .annotate(open_pulls=Count("pull_requests", Q(pull_requests__state=PullRequestState.OPEN)))
        .order_by(F("archived_at").asc(nulls_first=True), "name", "id")
    )
    counts = running()
    connected = visible(person(request), Connection).filter(removal_asked_at=None).exclude(base_url="")
    context = {
        "projects": [(row, counts.get(row.pk, 0)) for row in rows],
        "may_connect": allowed_somewhere(request.user, Action.MANAGE_CONNECTIONS),
        "connected": list(connected[:2]),  # whether there is one, and whether that is all
        "tab": "projects",
    }
    return render(request, "projects/projects.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def settings(request: HttpRequest, key: str) -> HttpResponse:
    """What an admin decides about one project."""
    row = find_allowed(person(request), Action.MANAGE_PROJECTS, Project, key, "workspace", "connection")
    permits = allowed(request.user, Action.PERMIT_NETWORKS, row)
    form = form_of(row, request.POST if request.method == "POST" else None, permits=permits)
    if request.method == "POST" and form.is_valid():
        try:
            change_project(row, by=actor(request), **form.changes())
        except ProjectError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "The settings were saved.")
            return redirect("home:project_settings", key=row.pk)
    context = {"project": row, "form": form, "callback_url": url(row), "tab": "projects"}
    return render(request, "projects/settings.html", context)
