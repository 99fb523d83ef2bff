"""Archiving, restoring and removing, for people. Each asks first, and says exactly what will happen."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from seatrial.control.accounts.access import Action, find_allowed
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.dashboard.asking import ask
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.registry import registered
from seatrial.control.previews.endings import still_there
from seatrial.control.projects.errors import ProjectError
from seatrial.control.projects.models import Connection, Project
from seatrial.control.triggers import endings


@require_http_methods(["GET", "POST"])
@login_required
def archive(request: HttpRequest, key: str) -> HttpResponse:
    """Ask, then take the project out of trial and keep its data."""
    project = _project(request, key)
    if request.method == "GET":
        return ask(request, "triggers/parts/confirm_archive.html", _asked(project))
    endings.archive(project, actor(request))
    messages.success(request, f"{project.name} is archived. You can restore it at any time.")
    return redirect("home:project_settings", key=project.pk)


@require_POST
@login_required
def restore(request: HttpRequest, key: str) -> HttpResponse:
    """Put it under trial again. That loses nothing, so nobody is asked."""
    project = _project(request, key)
    endings.restore(project, actor(request))
    messages.success(request, f"{project.name} is under trial again. Its previews come back within a minute.")
    return redirect("home:project_settings", key=project.pk)


@require_http_methods(["GET", "POST"])
@login_required
def remove(request: HttpRequest, key: str) -> HttpResponse:
    """Ask for the project's name, then have it deleted with all of its data."""
    project = _project(request, key)
    if request.method == "GET":
        return ask(request, "triggers/parts/confirm_remove.html", _asked(project))
    done = _told(
        request,
        lambda: endings.remove(project, actor(request), typed=request.POST.get("name", "")),
        f"{project.name} is being removed.",
    )
    return redirect("projects:projects") if done else redirect("home:project_settings", key=project.pk)


@require_http_methods(["GET", "POST"])
@login_required
def remove_connection(request: HttpRequest, key: str) -> HttpResponse:
    """Ask, for its name if it has projects, then have the connection deleted with all of them."""
    row = find_allowed(person(request), Action.MANAGE_CONNECTIONS, Connection, key, "workspace")
    if request.method == "GET":
        projects = list(row.projects.order_by("name", "id"))
        context = {"connection": row, "projects": projects, "tab": "connections"}
        return ask(request, "triggers/parts/confirm_remove_connection.html", context)
    done = _told(
        request,
        lambda: endings.remove_connection(row, actor(request), typed=request.POST.get("name", "")),
        f"{row.name} is being removed.",
    )
    return redirect("connections:connections") if done else redirect("connections:connection", key=row.pk)


def _asked(project: Project) -> dict[str, object]:
    return {
        "project": project,
        "hosting": registered(project.connection.forge).hosting,
        "previews": still_there(project),
        "tab": "projects",
    }


def _told(request: HttpRequest, act: Callable[[], None], done: str) -> bool:
    try:
        act()
    except (ProjectError, ForgeError) as error:
        messages.warning(request, str(error))
        return False
    messages.success(request, done)
    return True


def _project(request: HttpRequest, key: str) -> Project:
    return find_allowed(person(request), Action.MANAGE_PROJECTS, Project, key, "workspace", "connection")
