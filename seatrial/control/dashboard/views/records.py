"""What was received and what was done: webhook deliveries and the audit log."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from seatrial.control.accounts.access import AccessDenied, Action, visible, workspaces
from seatrial.control.accounts.models import User
from seatrial.control.audit.models import AuditEntry
from seatrial.control.dashboard.requests import page_of, signed_in
from seatrial.control.forges.models import Delivery


def _require_somewhere(user: User, action: Action) -> None:
    """These tables span workspaces: one where `user` may look is enough to open the page."""
    if not user.is_superuser and not workspaces(user, action).exists():
        raise AccessDenied(f"You may not {action}: that takes the role admin in a workspace.", hidden=False)


@require_GET
@login_required
def deliveries(request: HttpRequest) -> HttpResponse:
    """Webhooks as they came in: the result, and what each led to."""
    user = signed_in(request)
    _require_somewhere(user, Action.VIEW_DELIVERIES)
    rows = visible(user, Delivery).select_related("connection").defer("body", "headers").order_by("-id")
    return render(request, "dashboard/deliveries.html", {**page_of(request, rows), "tab": "deliveries"})


@require_GET
@login_required
def audit(request: HttpRequest) -> HttpResponse:
    """Who did what, and when."""
    user = signed_in(request)
    _require_somewhere(user, Action.VIEW_AUDIT)
    rows = visible(user, AuditEntry).order_by("-id")
    actor, action = request.GET.get("actor", ""), request.GET.get("action", "")
    if actor:
        rows = rows.filter(actor__icontains=actor)
    if action:
        rows = rows.filter(action__startswith=action)
    filters = {"actor": actor, "action": action}
    return render(
        request, "dashboard/audit.html", {**page_of(request, rows), "filters": filters, "tab": "audit"}
    )
