"""The page Network: what a workspace permits to its policies."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from seatrial.control.accounts.access import Action, find_visible, require, require_somewhere, workspaces
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import Workspace
from seatrial.control.policies.models import NetworkPermission
from seatrial.control.policies.network import services


@require_GET
@login_required
def network(request: HttpRequest) -> HttpResponse:
    """Every workspace whose policies the person manages."""
    user = person(request)
    require_somewhere(user, Action.MANAGE_POLICIES)
    spaces = [
        {
            "workspace": one,
            "permission": NetworkPermission.objects.filter(workspace=one).first(),
            "asking": services.asking(one),
        }
        for one in workspaces(user, Action.MANAGE_POLICIES).order_by("name")
    ]
    return render(request, "policies/network.html", {"tab": "policies", "spaces": spaces})


@require_POST
@login_required
def permit(request: HttpRequest, key: str) -> HttpResponse:
    """Permit the network."""
    workspace = _managed(request, key)
    services.permit(workspace, by=actor(request))
    messages.success(request, f"Policies of {workspace.name} that ask for the network get it from now on.")
    return redirect("network:network")


@require_POST
@login_required
def forbid(request: HttpRequest, key: str) -> HttpResponse:
    """Forbid it again."""
    workspace = _managed(request, key)
    services.forbid(workspace, by=actor(request))
    messages.success(
        request, f"Policies of {workspace.name} that ask for the network are errored from now on."
    )
    return redirect("network:network")


def _managed(request: HttpRequest, key: str) -> Workspace:
    workspace = find_visible(person(request), Workspace, key)
    require(person(request), Action.MANAGE_POLICIES, workspace)
    return workspace
