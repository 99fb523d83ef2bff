"""The page on which a policy is rolled out."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from seatrial.control.accounts.access import Action, allowed
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.policies.errors import PolicyError
from seatrial.control.policies.models import Policy
from seatrial.control.policies.rollout import attaching, services
from seatrial.control.policies.rollout.finding import policy_of
from seatrial.control.policies.rollout.forms import AttachForm, ExcludeForm
from seatrial.control.policies.rollout.levels import level_named
from seatrial.control.policies.rollout.ratchet import put_on, take_off
from seatrial.control.policies.rollout.words import MEANING, why_demoted
from seatrial.control.policies.trials.replays import replayed
from seatrial.wire.states import Level


@require_GET
@login_required
def rollout(request: HttpRequest, workspace: str, slug: str) -> HttpResponse:
    """How much the policy weighs, and where."""
    user = person(request)
    return _page(request, policy_of(user, slug, workspace))


@require_POST
@login_required
def level(request: HttpRequest, workspace: str, slug: str) -> HttpResponse:
    """Change how much it weighs."""
    policy = _managed(request, workspace, slug)
    try:
        services.set_level(policy, level_named(request.POST.get("level", "")), by=actor(request))
        messages.success(request, "Saved. It counts from the next evaluation on.")
    except PolicyError as error:
        messages.warning(request, str(error))
    return _back(policy)


@require_POST
@login_required
def ratchet(request: HttpRequest, workspace: str, slug: str) -> HttpResponse:
    """Have only new findings fail checks, or all of them again."""
    policy = _managed(request, workspace, slug)
    try:
        if request.POST.get("on") == "yes":
            put_on(policy, by=actor(request))
        else:
            take_off(policy, by=actor(request))
        messages.success(request, "Saved. It counts from the next evaluation on.")
    except PolicyError as error:
        messages.warning(request, str(error))
    return _back(policy)


@require_POST
@login_required
def attach(request: HttpRequest, workspace: str, slug: str) -> HttpResponse:
    """Have it judge more projects, or judge some differently."""
    policy = _managed(request, workspace, slug)
    form = AttachForm(request.POST)
    if form.is_valid():
        chosen = form.cleaned_data["level"]
        try:
            attaching.attach(
                policy,
                form.target(policy),
                by=actor(request),
                level=Level(chosen) if chosen else None,
                starts_at=form.starts_at,
            )
        except PolicyError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Attached. It counts from the next evaluation on.")
            return _back(policy)
    return _page(request, policy, attach_form=form)


@require_POST
@login_required
def exclude(request: HttpRequest, workspace: str, slug: str) -> HttpResponse:
    """Have it leave some projects alone."""
    policy = _managed(request, workspace, slug)
    form = ExcludeForm(request.POST)
    if form.is_valid():
        try:
            attaching.exclude(
                policy, form.target(policy), by=actor(request), reason=form.cleaned_data["reason"]
            )
        except PolicyError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Excluded. It counts from the next evaluation on.")
            return _back(policy)
    return _page(request, policy, exclude_form=form)


@require_POST
@login_required
def detach(request: HttpRequest, workspace: str, slug: str, key: str) -> HttpResponse:
    """Take an attachment or an exclusion back."""
    policy = _managed(request, workspace, slug)
    attaching.detach(policy, key.replace("\x00", ""), by=actor(request))
    messages.success(request, "Removed. It counts from the next evaluation on.")
    return _back(policy)


def _page(request: HttpRequest, policy: Policy, **forms: Any) -> HttpResponse:
    newest = policy.versions.order_by("-number").first()
    context = {
        "policy": policy,
        "levels": MEANING.items(),
        "demoted": why_demoted(policy),
        "newest": newest,
        "replay": replayed(newest) if newest is not None else None,
        "attachments": list(attaching.attachments_of(policy)),
        "baselines": list(policy.baselines.select_related("project").order_by("project__name")),
        "may_write": allowed(person(request), Action.MANAGE_POLICIES, policy),
        "attach_form": AttachForm(),
        "exclude_form": ExcludeForm(),
        "tab": "policies",
        **forms,
    }
    return render(request, "policies/rollout/rollout.html", context)


def _managed(request: HttpRequest, workspace: str, slug: str) -> Policy:
    return policy_of(person(request), slug, workspace, Action.MANAGE_POLICIES)


def _back(policy: Policy) -> HttpResponse:
    return redirect("rollout:rollout", workspace=policy.workspace.slug, slug=policy.slug)
