"""The page on which somebody breaks glass, and the button that mends it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from seatrial.control.accounts.access import Action, find_allowed
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.policies.errors import PolicyError
from seatrial.control.policies.glass import services
from seatrial.control.policies.glass.forms import BreakForm
from seatrial.control.policies.models import Evaluation
from seatrial.control.projects.errors import ProjectArchived


@require_http_methods(["GET", "POST"])
@login_required
def break_glass(request: HttpRequest, key: str) -> HttpResponse:
    """Let a commit pass in an emergency."""
    row = _find(request, key)
    form = BreakForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            services.break_glass(row, **form.cleaned_data, by=actor(request), person=person(request))
        except (PolicyError, ProjectArchived) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Glass is broken: the commit passes, and the code host is told.")
            return redirect("policies:evaluation", key=row.pk)
    context = {"evaluation": row, "project": row.project, "form": form, "tab": "projects"}
    return render(request, "policies/break_glass.html", context)


@require_POST
@login_required
def mend_glass(request: HttpRequest, key: str) -> HttpResponse:
    """End it before its time."""
    row = _find(request, key)
    if row.glass is not None and services.mend(row.glass, by=actor(request)):
        messages.success(request, "The verdict is what its policies say again.")
    return redirect("policies:evaluation", key=row.pk)


def _find(request: HttpRequest, key: str) -> Evaluation:
    return find_allowed(
        person(request), Action.BREAK_GLASS, Evaluation, key, "project", "pull_request", "glass"
    )
