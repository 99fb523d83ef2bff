"""The pages on which policies are written. What was typed is never lost: it comes back with what is wrong with it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from seatrial.control.accounts.access import Action, require_somewhere, workspaces
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import User
from seatrial.control.policies.authoring import writing
from seatrial.control.policies.authoring.difference import difference
from seatrial.control.policies.authoring.finding import managed, newest_of, policy_at
from seatrial.control.policies.authoring.forms import CodeForm, NewForm
from seatrial.control.policies.authoring.reading import plain
from seatrial.control.policies.errors import BadPolicy, NotNewest, PolicyError
from seatrial.control.policies.models import Policy
from seatrial.control.projects.models import Project

TAB = {"tab": "policies"}
EXAMPLE = '''"""Say in a sentence what every repository must have, and why.

This text is the policy's description.
"""

NAME = "Has a readme"
CRITERIA = {"events": ["pull_request", "push"]}
PARAMS = {"least_characters": 40}
TESTS = [
    {
        "name": "says what it is for",
        "input": {"files": {"README.md": "Ropes, charts and lamps for ships of all sizes."}},
        "expected": {"passed": True},
    },
    {"name": "there is none", "input": {}, "expected": {"passed": False}},
]


def evaluate(project, params):
    text = project.get_file_content("README.md") or ""
    passed = len(text) >= params["least_characters"]
    return {"passed": passed, "message": f"README.md has {len(text)} characters."}
'''


@require_http_methods(["GET", "POST"])
@login_required
def new(request: HttpRequest) -> HttpResponse:
    """Write a new policy."""
    user = person(request)
    require_somewhere(user, Action.MANAGE_POLICIES)
    spaces = [(one.slug, one.name) for one in workspaces(user, Action.MANAGE_POLICIES).order_by("name")]
    data = request.POST if request.method == "POST" else None
    form = NewForm(spaces, data, initial={"code": EXAMPLE, "based_on": 0})
    context: dict[str, Any] = {"form": form, "projects": _projects(user), "several": len(spaces) > 1, **TAB}
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = writing.create(
                managed(user, given["workspace"]),
                given["slug"],
                given["code"],
                by=actor(request),
                note=given["note"],
            )
        except PolicyError as error:
            _explain(form, error, context)
        else:
            messages.success(
                request,
                f"{made.name} is saved, as a draft: it runs in trials only, until you raise its level.",
            )
            return redirect("authoring:policy", made.workspace.slug, made.slug)
    return render(request, "policies/new.html", context)


def _projects(user: User) -> list[Project]:
    """Where a new policy can be tried."""
    rows = Project.objects.filter(workspace__in=workspaces(user, Action.MANAGE_POLICIES), archived_at=None)
    return list(rows.select_related("workspace").order_by("workspace__name", "name", "id"))


@require_http_methods(["GET", "POST"])
@login_required
def edit(request: HttpRequest, workspace: str, slug: str) -> HttpResponse:
    """Write the next version of a policy."""
    row = policy_at(person(request), workspace, slug, Action.MANAGE_POLICIES)
    newest = newest_of(row)
    context: dict[str, Any] = {"policy": row, "newest": newest, **TAB}
    if request.method == "GET":
        if writing.kept_at(row) is not None:  # its page says where it is changed
            return redirect("authoring:policy", workspace, slug)
        context["form"] = CodeForm(initial={"code": newest.code, "based_on": newest.number})
        return render(request, "policies/edit.html", context)
    form = CodeForm(request.POST)
    context["form"] = form
    if form.is_valid():
        given = form.cleaned_data
        try:
            made = writing.edit(
                row, given["code"], based_on=given["based_on"], by=actor(request), note=given["note"]
            )
        except NotNewest as error:
            return _overtaken(request, row, given, error, context)
        except PolicyError as error:
            _explain(form, error, context)
        else:
            same = made.pk == newest.pk
            said = (
                "Nothing changed." if same else f"Version {made.number} is what runs from the next commit on."
            )
            messages.success(request, said)
            return redirect("authoring:policy", workspace, slug)
    return render(request, "policies/edit.html", context)


def _overtaken(
    request: HttpRequest, row: Policy, given: dict[str, Any], error: NotNewest, context: dict[str, Any]
) -> HttpResponse:
    """What was typed, and what is different between it and what somebody else has saved: saving again replaces that."""
    newest = writing.version_of(row, error.newest)
    form = CodeForm(initial={"code": given["code"], "note": given["note"], "based_on": newest.number})
    more = {
        "form": form,
        "newest": newest,
        "overtaken": error,
        "places": difference(newest.code, plain(given["code"])),
    }
    return render(request, "policies/edit.html", {**context, **more}, status=409)


def _explain(form: CodeForm, error: PolicyError, context: dict[str, Any]) -> None:
    if isinstance(error, BadPolicy):
        context["problems"] = error.problems
    else:
        form.add_error(None, str(error))
