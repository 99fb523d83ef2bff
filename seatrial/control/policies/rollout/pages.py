"""The page on which a policy is rolled out."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from seatrial.control.accounts.access import Action, allowed
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.policies.errors import PolicyError
from seatrial.control.policies.models import Policy
from seatrial.control.policies.rollout import services
from seatrial.control.policies.rollout.finding import policy_of
from seatrial.control.policies.rollout.levels import level_named
from seatrial.control.policies.rollout.words import MEANING


@require_GET
@login_required
def rollout(request: HttpRequest, workspace: str, slug: str) -> HttpResponse:
    """How much the policy weighs, and where."""
    user = person(request)
    policy = policy_of(user, slug, workspace)
    context = {
        "policy": policy,
        "levels": MEANING.items(),
        "may_write": allowed(user, Action.MANAGE_POLICIES, policy),
        "tab": "policies",
    }
    return render(request, "policies/rollout/rollout.html", context)


@require_POST
@login_required
def level(request: HttpRequest, workspace: str, slug: str) -> HttpResponse:
    """Change how much it weighs."""
    policy = policy_of(person(request), slug, workspace, Action.MANAGE_POLICIES)
    try:
        services.set_level(policy, level_named(request.POST.get("level", "")), by=actor(request))
        messages.success(request, "Saved. It counts from the next evaluation on.")
    except PolicyError as error:
        messages.warning(request, str(error))
    return back(policy)


def back(policy: Policy) -> HttpResponse:
    """To the page."""
    return redirect("rollout:rollout", workspace=policy.workspace.slug, slug=policy.slug)
