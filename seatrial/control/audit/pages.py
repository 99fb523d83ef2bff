"""The page of the audit log."""

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from seatrial.control.audit.models import AuditEntry
from seatrial.control.dashboard.links import Named
from seatrial.control.dashboard.paging import page_of


def log(request: HttpRequest, rows: QuerySet[AuditEntry], named: Named) -> HttpResponse:
    """The page with those of `rows` that match the request's filters, newest first.

    The caller passes only the rows that the person may see. `named` gives their targets names.
    """
    actor, action = request.GET.get("actor", ""), request.GET.get("action", "")
    if actor:
        rows = rows.filter(actor__icontains=actor)
    if action:
        rows = rows.filter(action__startswith=action)
    page = page_of(request, rows.order_by("-id"))
    context = {
        **page,
        "links": named(request.user, [row.target for row in page["rows"]]),
        "filters": {"actor": actor, "action": action},
        "tab": "audit",
    }
    return render(request, "audit/log.html", context)
