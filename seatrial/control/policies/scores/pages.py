"""The page Scores: how well each project of a workspace does, and how that changed."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from seatrial.control.accounts.access import visible, workspaces
from seatrial.control.accounts.authentication import person
from seatrial.control.accounts.models import Workspace
from seatrial.control.policies.scores.trends import (
    USUAL_DAYS,
    Trend,
    counted_projects,
    of_projects,
    of_stacks,
    together,
)
from seatrial.control.projects.models import Project

CHOICES = (30, USUAL_DAYS, 365)


@require_GET
@login_required
def scores(request: HttpRequest) -> HttpResponse:
    """One workspace at a time: those who are in several choose."""
    user = person(request)
    spaces = list(workspaces(user).order_by("name", "id"))
    space = _chosen(spaces, request.GET.get("workspace", ""))
    days = _days(request.GET.get("days", ""))
    rows = visible(user, Project).filter(counted_projects(), workspace=space).order_by("name", "id")
    trends = of_projects(rows, days)
    context = {
        "spaces": spaces,
        "space": space,
        "days": days,
        "choices": CHOICES,
        "whole": together(space.name, space.slug, trends) if space is not None else None,
        "stacks": sorted(of_stacks(trends), key=_worst_first),
        "trends": sorted(trends, key=_worst_first),
        "tab": "policies",
    }
    return render(request, "scores/scores.html", context)


def _chosen(spaces: list[Workspace], slug: str) -> Workspace | None:
    return next((one for one in spaces if one.slug == slug), spaces[0] if spaces else None)


def _days(text: str) -> int:
    return next((days for days in CHOICES if text == str(days)), USUAL_DAYS)


def _worst_first(trend: Trend) -> tuple[bool, float, str]:
    """Those that need a person come first; those without a score last."""
    return trend.now.score is None, trend.now.score or 0, trend.name
