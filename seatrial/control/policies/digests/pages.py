"""The page Digest: what the next one says so far, those before it, and when they are made."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from seatrial.control.accounts.access import Action, allowed, find_allowed, find_visible, workspaces
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import Workspace
from seatrial.control.policies.digests import making
from seatrial.control.policies.digests.models import Digest, Weekday
from seatrial.control.policies.digests.shape import DigestBody
from seatrial.control.policies.errors import BadDigestTime
from seatrial.control.policies.scores.counting import Tally
from seatrial.control.policies.scores.trends import Trend

SHOWN = 20  # digests before
TAB = {"tab": "policies"}


@require_GET
@login_required
def digest(request: HttpRequest) -> HttpResponse:
    """One workspace at a time: those who are in several choose."""
    user = person(request)
    spaces = list(workspaces(user).order_by("name", "id"))
    space = next((one for one in spaces if one.slug == request.GET.get("workspace")), None) or next(
        iter(spaces), None
    )
    if space is None:
        return render(request, "digests/digest.html", TAB)
    time = making.time_of(space)
    context = {
        **_shown(space, making.so_far(space)),
        "spaces": spaces,
        "time": time,
        "days": Weekday.choices,
        "hours": making.HOURS,
        "managed": allowed(user, Action.MANAGE_POLICIES, space),
        "earlier": space.digests.order_by("-until")[:SHOWN],
    }
    return render(request, "digests/digest.html", context)


@require_GET
@login_required
def past(request: HttpRequest, key: str) -> HttpResponse:
    """One that was made."""
    row = find_visible(person(request), Digest, key, "workspace")
    context = _shown(row.workspace, DigestBody.model_validate(row.body))
    return render(request, "digests/past.html", context)


@require_POST
@login_required
def set_time(request: HttpRequest, key: str) -> HttpResponse:
    """Make them at another time."""
    space = find_allowed(person(request), Action.MANAGE_POLICIES, Workspace, key)
    hour = request.POST.get("hour", "")
    try:
        number = int(hour) if hour.isascii() and hour.isdigit() and len(hour) < 3 else -1
        making.set_time(space, request.POST.get("day", ""), number, by=actor(request))
    except BadDigestTime as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, "Saved.")
    return redirect(f"{reverse('digests:digest')}?workspace={space.slug}")


def _shown(space: Workspace, body: DigestBody) -> dict[str, Any]:
    days = [(one.day, one.score) for one in body.score.days]
    trend = Trend(space.name, space.slug, days, Tally(score=body.score.now), projects=body.score.projects)
    return {"space": space, "digest": body, "trend": trend, **TAB}
