"""The start page and a project's page: what needs attention, what is in progress, what is live."""

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from seatrial.control.accounts.access import find_visible
from seatrial.control.accounts.admission import invitations
from seatrial.control.accounts.authentication import person
from seatrial.control.accounts.pages import LivePart, follow, watcher
from seatrial.control.home.overview import fingerprint, home_context, project_context
from seatrial.control.projects.models import Project


@require_GET
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """The start page, with every open pull request."""
    user = person(request)
    context = {**home_context(user), "tab": "home", "invited": invitations.of(user).exists()}
    return render(request, "home/overview.html", context)


@require_GET
async def home_stream(request: HttpRequest) -> HttpResponseBase:
    """Its live part."""
    await watcher(request)
    return await follow(request, LivePart("home/parts/overview.html", home_context, fingerprint))


@require_GET
@login_required
def project(request: HttpRequest, key: str) -> HttpResponse:
    """The page of one project, with its pull requests."""
    context = project_context(person(request), key)
    return render(request, "home/project.html", {**context, "tab": "projects"})


@require_GET
async def project_stream(request: HttpRequest, key: str) -> HttpResponseBase:
    """Its live part."""
    user = await watcher(request)
    await sync_to_async(find_visible)(user, Project, key)
    part = LivePart(
        "home/parts/project.html",
        lambda user: project_context(user, key),
        lambda user: fingerprint(user, key),
    )
    return await follow(request, part)
