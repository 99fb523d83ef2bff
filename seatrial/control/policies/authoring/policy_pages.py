"""One policy: its page, its versions, and what is different between two of them."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from seatrial.control.accounts.access import Action, allowed
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import User
from seatrial.control.policies import packs
from seatrial.control.policies.authoring import writing
from seatrial.control.policies.authoring.difference import difference
from seatrial.control.policies.authoring.finding import newest_of, policy_at
from seatrial.control.policies.authoring.forms import ParametersForm
from seatrial.control.policies.authoring.highlighting import lines_of
from seatrial.control.policies.authoring.parameters import defaults_of
from seatrial.control.policies.authoring.standing import judged
from seatrial.control.policies.authoring.words import criteria_in_words
from seatrial.control.policies.errors import NotNewest, PolicyError
from seatrial.control.policies.models import Policy, PolicyVersion

TAB = {"tab": "policies"}
MOST_VERSIONS = 50


@require_GET
@login_required
def policy(request: HttpRequest, workspace: str, slug: str) -> HttpResponse:
    """What it demands, of what, and its code."""
    user = person(request)
    row = policy_at(user, workspace, slug)
    return render(request, "policies/policy.html", _context(user, row))


@require_GET
@login_required
def version(request: HttpRequest, workspace: str, slug: str, number: int) -> HttpResponse:
    """The code of one version."""
    row = policy_at(person(request), workspace, slug)
    chosen = writing.version_of(row, number)
    context = {
        "policy": row,
        "version": chosen,
        "newest": newest_of(row),
        "lines": lines_of(chosen.code),
        "may_write": allowed(request.user, Action.MANAGE_POLICIES, row),
        **TAB,
    }
    return render(request, "policies/version.html", context)


@require_GET
@login_required
def changes(request: HttpRequest, workspace: str, slug: str) -> HttpResponse:
    """What is different between two versions."""
    row = policy_at(person(request), workspace, slug)
    newest = newest_of(row)
    after = writing.version_of(row, _number(request, "to", newest.number))
    before = writing.version_of(row, _number(request, "from", max(after.number - 1, 1)))
    context = {
        "policy": row,
        "before": before,
        "after": after,
        "places": difference(before.code, after.code),
        "params": _differing(before, after),
        "numbers": list(row.versions.model.objects.filter(policy=row).values_list("number", flat=True)),
        **TAB,
    }
    return render(request, "policies/changes.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def parameters(request: HttpRequest, workspace: str, slug: str) -> HttpResponse:
    """Set the parameters: a new version with the same code."""
    user = person(request)
    row = policy_at(user, workspace, slug, Action.MANAGE_POLICIES)
    newest = newest_of(row)
    data = request.POST if request.method == "POST" else None
    form = ParametersForm(defaults_of(newest), newest.params, newest.number, data)
    if request.method == "POST" and form.is_valid():
        try:
            made = writing.set_params(
                row, form.values(), based_on=form.cleaned_data["based_on"], by=actor(request)
            )
        except PolicyError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"Version {made.number} has these parameters.")
            return redirect("authoring:policy", workspace, slug)
    return render(request, "policies/parameters.html", {"policy": row, "form": form, "newest": newest, **TAB})


@require_POST
@login_required
def revert(request: HttpRequest, workspace: str, slug: str) -> HttpResponse:
    """Bring back an older version, as a new one."""
    row = policy_at(person(request), workspace, slug, Action.MANAGE_POLICIES)
    try:
        made = writing.revert(
            row,
            _posted(request, "number"),
            based_on=_posted(request, "based_on"),
            by=actor(request),
            note=request.POST.get("note", "")[:400],
        )
    except NotNewest as error:
        messages.warning(request, str(error))
    except PolicyError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Version {made.number} is what runs now.")
    return redirect("authoring:policy", workspace, slug)


@require_POST
@login_required
def switch(request: HttpRequest, workspace: str, slug: str) -> HttpResponse:
    """Switch it on or off."""
    row = policy_at(person(request), workspace, slug, Action.MANAGE_POLICIES)
    enabled = request.POST.get("enabled") == "true"
    writing.switch(row, enabled=enabled, by=actor(request))
    said = "is switched on: it runs from the next commit on" if enabled else "is switched off"
    messages.success(request, f"{row.name} {said}.")
    return redirect("authoring:policy", workspace, slug)


def _context(user: User, row: Policy) -> dict[str, Any]:
    newest = newest_of(row)
    versions = list(
        PolicyVersion.objects.filter(policy=row).defer("code").order_by("-number")[: MOST_VERSIONS + 1]
    )
    return {
        "policy": row,
        "newest": newest,
        "criteria": criteria_in_words(row.criteria),
        "params": [(name, newest.params[name]) for name in _ordered(newest)],
        "changed": packs.changed(newest),
        "lines": lines_of(newest.code),
        "versions": versions[:MOST_VERSIONS],
        "more": len(versions) > MOST_VERSIONS,
        "judged": judged(user, [row]).get(row.pk),
        "may_write": allowed(user, Action.MANAGE_POLICIES, row),
        **TAB,
    }


def _ordered(version: PolicyVersion) -> list[str]:
    """The names of its parameters, as its code has them."""
    first = [name for name in defaults_of(version) if name in version.params]
    return first + sorted(set(version.params) - set(first))


def _differing(before: PolicyVersion, after: PolicyVersion) -> list[tuple[str, Any, Any]]:
    keys = sorted({*before.params, *after.params})
    pairs = [(key, before.params.get(key), after.params.get(key)) for key in keys]
    return [(key, old, new) for key, old, new in pairs if old != new]


def _number(request: HttpRequest, name: str, otherwise: int) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise


def _posted(request: HttpRequest, name: str) -> int:
    text = request.POST.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
