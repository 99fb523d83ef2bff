"""The page of a deployment, and that of two beside each other."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from seatrial.control.accounts.access import find_visible
from seatrial.control.accounts.authentication import person
from seatrial.control.previews.evidence.comparing import RELATED, comparison, find_pair, side
from seatrial.control.previews.evidence.shown import screenshots_of
from seatrial.control.previews.models import Deployment
from seatrial.control.previews.pages.timeline import timeline

SHOWN = 20  # deployments to compare with


@require_GET
@login_required
def deployment(request: HttpRequest, key: str) -> HttpResponse:
    """What it looked like, what it ran, how long it took."""
    row = find_visible(person(request), Deployment, key, *RELATED)
    context = {
        **_around(row),
        "side": side(row),
        "pictures": screenshots_of([row]),
        "timeline": timeline(row, list(row.phases.all()), timezone.now()),
        "newest": row,
        "others": others(row),
    }
    return render(request, "evidence/deployment.html", context)


@require_GET
@login_required
def compared(request: HttpRequest, key: str) -> HttpResponse:
    """`?other=<deployment>` says with which; without it, with the one before."""
    user = person(request)
    before, after = find_pair(user, key, request.GET.get("other", ""))
    context = {
        **_around(after),
        "compared": comparison(user, before, after),
        "others": others(after),
        "before": before,
    }
    return render(request, "evidence/comparison.html", context)


def others(row: Deployment) -> list[Deployment]:
    """What it may be compared with: the newest of its preview, and what is live of other previews of its project."""
    rows = Deployment.objects.filter(environment__project=row.environment.project_id).exclude(pk=row.pk)
    rows = rows.select_related("environment")
    own = rows.filter(environment=row.environment_id)
    live = rows.filter(environment__live=F("pk")).exclude(environment=row.environment_id)
    return [*own.order_by("-id")[:SHOWN], *live.order_by("-id")[:SHOWN]]


def _around(row: Deployment) -> dict[str, Any]:
    environment = row.environment
    return {
        "deployment": row,
        "environment": environment,
        "project": environment.project,
        "pull_request": environment.pull_request,
        "tab": "projects",
    }
