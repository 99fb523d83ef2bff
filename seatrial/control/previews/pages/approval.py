"""The page that asks before one commit from a fork gets a preview."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from seatrial.control.accounts.access import Action, require
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.dashboard.asking import ask
from seatrial.control.previews.approving import approve
from seatrial.control.previews.errors import PreviewError
from seatrial.control.previews.pulls import find_pull


@require_http_methods(["GET", "POST"])
@login_required
def approve_commit(request: HttpRequest, key: str, number: str) -> HttpResponse:
    """Ask, then approve the commit that was shown: if another one was pushed meanwhile, nothing is approved."""
    pull_request = find_pull(person(request), key, number)
    require(person(request), Action.APPROVE_FORK, pull_request)
    if request.method == "GET":
        return ask(
            request,
            "previews/parts/confirm_approve.html",
            {"pull_request": pull_request, "project": pull_request.project, "tab": "projects"},
        )
    try:
        approve(pull_request, commit=request.POST.get("commit", ""), by=actor(request))
        messages.success(request, "Approved: the preview of this commit is being built.")
    except PreviewError as error:
        messages.warning(request, str(error))
    return redirect("home:project", key=pull_request.project_id)
