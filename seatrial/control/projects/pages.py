"""The list of projects."""

from collections.abc import Callable, Mapping

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.authentication import person
from seatrial.control.projects.models import Project, PullRequestState

Running = Callable[[], Mapping[str, int]]  # how many previews of each project run, by its id


@require_GET
@login_required
def projects(request: HttpRequest, running: Running) -> HttpResponse:
    """Every project that the reader may see."""
    rows = (
        visible(person(request), Project)
        .select_related("connection", "workspace")
        .annotate(open_pulls=Count("pull_requests", Q(pull_requests__state=PullRequestState.OPEN)))
        .order_by("archived_at", "name", "id")
    )
    counts = running()
    context = {"projects": [(row, counts.get(row.pk, 0)) for row in rows], "tab": "projects"}
    return render(request, "projects/projects.html", context)
