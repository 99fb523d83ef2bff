"""The list of policies."""

from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.authentication import person
from seatrial.control.policies.models import Policy, PolicyVersion


@require_GET
@login_required
def policies(request: HttpRequest) -> HttpResponse:
    """Every policy that the reader may see."""
    newest = Prefetch("versions", PolicyVersion.objects.order_by("-number"))
    rows = visible(person(request), Policy).select_related("workspace").prefetch_related(newest)
    listed = [(row, next(iter(row.versions.all()), None)) for row in rows.order_by("name", "id")]
    return render(request, "policies/policies.html", {"tab": "policies", "listed": listed})
