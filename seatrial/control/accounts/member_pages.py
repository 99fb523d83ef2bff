"""What the page People changes about members, and the page Workspaces: where one is a member, and is invited to become one."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from seatrial.control.accounts import members
from seatrial.control.accounts.admission import invitations
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import Role


@require_POST
@login_required
def change_role(request: HttpRequest, slug: str) -> HttpResponse:
    """Another role for a member."""
    user = person(request)
    workspace = members.managed(user, slug)
    wanted = next((role for role in Role if role == request.POST.get("role")), None)
    if wanted is None:
        messages.error(request, f"Choose one of the roles {', '.join(Role)}.")
        return redirect("people")
    try:
        row = members.change_role(
            workspace, request.POST.get("username", ""), wanted, asking=user, by=actor(request)
        )
    except members.LastOwner as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{row.user} is {row.role} of {workspace.name} now.")
    return redirect("people")


@require_POST
@login_required
def remove(request: HttpRequest, slug: str) -> HttpResponse:
    """End a membership."""
    user = person(request)
    workspace = members.managed(user, slug)
    try:
        row = members.remove(workspace, request.POST.get("username", ""), asking=user, by=actor(request))
    except members.LastOwner as error:
        messages.error(request, str(error))
        return redirect("people")
    again = ": AUTH_ROLE_MAP lets them in again when they sign in next" if row.mapped else ""
    messages.success(request, f"{row.user} is no member of {workspace.name} any more{again}.")
    return redirect("people")


@require_GET
@login_required
def memberships(request: HttpRequest) -> HttpResponse:
    """Where one is a member, and what one is invited to."""
    user = person(request)
    rows = user.memberships.select_related("workspace").order_by("workspace__name")
    context = {"rows": rows, "invitations": invitations.of(user)}
    return render(request, "accounts/memberships.html", context)


@require_POST
@login_required
def leave(request: HttpRequest, slug: str) -> HttpResponse:
    """End one's own membership."""
    try:
        row = members.leave(person(request), slug, by=actor(request))
    except members.LastOwner as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"You have left {row.workspace.name}.")
    return redirect("memberships")


@require_POST
@login_required
def accept(request: HttpRequest, key: str) -> HttpResponse:
    """Become a member."""
    row = invitations.answer(person(request), key, accepts=True, by=actor(request))
    messages.success(request, f"You are {row.role} of {row.workspace.name} now.")
    return redirect("memberships")


@require_POST
@login_required
def decline(request: HttpRequest, key: str) -> HttpResponse:
    """Stay outside."""
    row = invitations.answer(person(request), key, accepts=False, by=actor(request))
    messages.success(request, f"You have declined the invitation to {row.workspace.name}.")
    return redirect("memberships")
