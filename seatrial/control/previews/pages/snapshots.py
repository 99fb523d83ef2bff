"""The page with a project's saved data, and the questions before data is saved or removed."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from seatrial.control.accounts.access import Action, allowed, find_visible, require
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.dashboard.asking import ask
from seatrial.control.previews import snapshots
from seatrial.control.previews.errors import PreviewError
from seatrial.control.previews.models import Snapshot
from seatrial.control.previews.pages.environment import find_environment
from seatrial.control.projects.models import Project
from seatrial.wire.states import SnapshotState

SHOWN = 20


@require_GET
@login_required
def of_project(request: HttpRequest, key: str) -> HttpResponse:
    """The newest snapshots, and which of them is the template of each recipe."""
    project = find_visible(person(request), Project, key)
    rows = list(project.snapshots.select_related("agent").order_by("-id")[:SHOWN])
    saved = [row for row in rows if row.state == SnapshotState.SAVED and row.ended_at is None]
    newest = {row.recipe: row for row in reversed(saved)}
    context = {
        "project": project,
        "snapshots": rows,
        "templates": [newest[recipe] for recipe in sorted(newest)],
        "may": allowed(person(request), Action.MANAGE_PROJECTS, project),
        "tab": "projects",
    }
    return render(request, "previews/snapshots.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def save(request: HttpRequest, key: str) -> HttpResponse:
    """Ask, then have the data of the preview saved."""
    environment = find_environment(person(request), key)
    require(person(request), Action.MANAGE_PROJECTS, environment)
    if request.method == "GET":
        context = {"environment": environment, "project": environment.project, "tab": "projects"}
        return ask(request, "previews/parts/confirm_save_data.html", context)
    try:
        snapshots.save(environment, actor(request), for_forks="for_forks" in request.POST)
        messages.success(request, f"The data of {environment.name} is being saved.")
    except PreviewError as error:
        messages.warning(request, str(error))
        return redirect("previews:environment", key=environment.pk)
    return redirect("previews:snapshots", key=environment.project_id)


@require_http_methods(["GET", "POST"])
@login_required
def remove(request: HttpRequest, key: str) -> HttpResponse:
    """Ask, then remove the snapshot."""
    snapshot = find_visible(person(request), Snapshot, key, "project")
    require(person(request), Action.MANAGE_PROJECTS, snapshot)
    if request.method == "GET":
        context = {"snapshot": snapshot, "project": snapshot.project, "tab": "projects"}
        return ask(request, "previews/parts/confirm_remove_snapshot.html", context)
    snapshots.remove(snapshot, actor(request))
    messages.success(request, f"The data of {snapshot.source} is being removed.")
    return redirect("previews:snapshots", key=snapshot.project_id)
