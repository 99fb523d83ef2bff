"""The page of the deliveries that were received."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from seatrial.control.accounts.access import Action, require_somewhere, visible
from seatrial.control.accounts.authentication import person
from seatrial.control.dashboard.links import Named
from seatrial.control.dashboard.paging import page_of
from seatrial.control.forges.models import Delivery


@require_GET
@login_required
def deliveries(request: HttpRequest, named: Named) -> HttpResponse:
    """Webhooks as they came in: the result, and what each led to."""
    user = person(request)
    require_somewhere(user, Action.VIEW_DELIVERIES)
    rows = visible(user, Delivery).select_related("connection").defer("body", "headers").order_by("-id")
    page = page_of(request, rows)
    links = named(user, [row.outcome for row in page["rows"]])
    return render(request, "forges/deliveries.html", {**page, "links": links, "tab": "deliveries"})
