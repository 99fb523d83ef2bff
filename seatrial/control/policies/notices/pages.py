"""The page Notices: which addresses are told what, and what became of it."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from seatrial.control.accounts.access import Action, find_allowed, require_somewhere, workspaces
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import User, Workspace
from seatrial.control.policies.errors import BadSubscription
from seatrial.control.policies.notices import services
from seatrial.control.policies.notices.addresses import CLOSED
from seatrial.control.policies.notices.models import KINDS, NoticeKind, Subscription

SHOWN = 10  # newest notices of an address


@require_GET
@login_required
def notices(request: HttpRequest) -> HttpResponse:
    """Every workspace whose policies the person manages."""
    return render(request, "notices/notices.html", _context(person(request)))


@require_POST
@login_required
def subscribe(request: HttpRequest, key: str) -> HttpResponse:
    """Tell an address from now on. Its secret is on this answer, and nowhere else."""
    user = person(request)
    space = find_allowed(user, Action.MANAGE_POLICIES, Workspace, key)
    url = request.POST.get("url", "").replace("\x00", "")
    try:
        made = services.subscribe(space, url, request.POST.getlist("kinds"), by=actor(request))
    except BadSubscription as error:
        context = {**_context(user), "problem": str(error), "wrong": space.pk, "url": url}
        return render(request, "notices/notices.html", context, status=error.status)
    answer = render(request, "notices/notices.html", {**_context(user), "made": made})
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
@login_required
def remove(request: HttpRequest, key: str) -> HttpResponse:
    """Tell it nothing any more."""
    services.unsubscribe(_managed(request, key), by=actor(request))
    messages.success(request, "The address is told nothing any more.")
    return redirect("notices:notices")


@require_POST
@login_required
def try_address(request: HttpRequest, key: str) -> HttpResponse:
    """Send it a test."""
    services.try_address(_managed(request, key), by=actor(request))
    messages.success(request, "A test is being sent. Reload this page to see what became of it.")
    return redirect("notices:notices")


@require_POST
@login_required
def again(request: HttpRequest, key: str, notice: str) -> HttpResponse:
    """Send one notice once more."""
    found = _managed(request, key).notices.filter(pk=notice.replace("\x00", "")).first()
    if found is None:
        raise Http404("There is no such notice.")
    services.send_again(found, by=actor(request))
    messages.success(request, "The notice is sent again.")
    return redirect("notices:notices")


def _managed(request: HttpRequest, key: str) -> Subscription:
    return find_allowed(person(request), Action.MANAGE_POLICIES, Subscription, key, "workspace")


def _context(user: User) -> dict[str, Any]:
    require_somewhere(user, Action.MANAGE_POLICIES)
    spaces = [
        {
            "workspace": one,
            "subscriptions": [
                (row, [NoticeKind(kind).word for kind in row.kinds], row.notices.order_by("-id")[:SHOWN])
                for row in Subscription.objects.filter(workspace=one).order_by("id")
            ],
        }
        for one in workspaces(user, Action.MANAGE_POLICIES).order_by("name")
    ]
    closed = CLOSED if settings.CONFIGURATION.airgapped else ""
    kinds = [(kind, kind.word) for kind in KINDS]
    return {"spaces": spaces, "kinds": kinds, "closed": closed, "tab": "policies"}
