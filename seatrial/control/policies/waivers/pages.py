"""The pages of waivers: the inbox, one of them, and requesting one."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from seatrial.control.accounts.access import (
    Action,
    allowed,
    allowed_somewhere,
    find_visible,
    require,
    visible,
)
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import User
from seatrial.control.dashboard.asking import ask
from seatrial.control.dashboard.paging import page_of
from seatrial.control.policies.current import current
from seatrial.control.policies.errors import PolicyError
from seatrial.control.policies.findings import all_of
from seatrial.control.policies.models import Evaluation, Result, Waiver
from seatrial.control.policies.waivers import services
from seatrial.control.policies.waivers.failures import failed_result, scopes
from seatrial.control.policies.waivers.force import scope_of
from seatrial.control.policies.waivers.forms import RequestForm
from seatrial.control.policies.waivers.rights import require_withdrawal, withdrawable
from seatrial.control.policies.waivers.scope import covers
from seatrial.control.policies.waivers.search import UNUSED, Wanted, matching
from seatrial.control.projects.errors import ProjectArchived
from seatrial.wire.states import ResultState, WaiverState

TAB = {"tab": "policies"}
ANY = "any"
MOST_SHOWN = 20  # of the failures that a waiver is about


@require_GET
@login_required
def waivers(request: HttpRequest) -> HttpResponse:
    """The inbox: first those that wait for a decision."""
    user = person(request)
    asked = {name: request.GET.get(name, "").replace("\x00", "") for name in ("state", "search")}
    chosen = asked["state"] or WaiverState.REQUESTED
    rows = visible(user, Waiver)
    wanted = Wanted(state="" if chosen == ANY else chosen, search=asked["search"])
    page = page_of(request, matching(rows, wanted).order_by("-id"))
    context = {
        **page,
        "listed": [(row, scope_of(row)) for row in page["rows"]],
        "states": [*WaiverState, UNUSED],
        "chosen": chosen,
        "search": asked["search"],
        "there_are": bool(page["rows"]) or rows.exists(),
        "decides": allowed_somewhere(user, Action.DECIDE_WAIVER),
        "most_days": services.MOST_DAYS,
        **TAB,
    }
    return render(request, "policies/waivers.html", context)


@require_GET
@login_required
def waiver(request: HttpRequest, key: str) -> HttpResponse:
    """One of them: what it is about, and what may be done with it."""
    user = person(request)
    row = _find(user, key)
    concerned = list(_concerned(row).select_related("evaluation__pull_request").order_by("-id")[:MOST_SHOWN])
    context = {
        "waiver": row,
        "scope": scope_of(row),
        "concerned": concerned,
        "whole": {one.pk for one in concerned if covers([scope_of(row)], all_of(one))},
        **_may(user, row),
        **TAB,
    }
    return render(request, "policies/waiver.html", context)


def _concerned(row: Waiver) -> QuerySet[Result]:
    """What it waives in verdicts that count now; before somebody has decided, the failures that it may be about."""
    verdicts = current(Evaluation.objects.filter(project=row.project_id, versions=row.version_id))
    results = Result.objects.filter(evaluation__in=verdicts, version=row.version_id)
    if row.state == WaiverState.REQUESTED:
        return results.filter(state=ResultState.FAILED)
    return results.filter(state=ResultState.WAIVED, waivers=row)


def _may(user: User, row: Waiver) -> dict[str, bool]:
    waits = row.state == WaiverState.REQUESTED
    decides = allowed(user, Action.DECIDE_WAIVER, row)
    own = services.is_own(row, user)
    return {
        "waits": waits,
        "own": own,
        "decides": decides,
        "may_approve": waits and decides and not own,
        "may_reject": waits and decides,
        "may_withdraw": withdrawable(user, row),
    }


@require_http_methods(["GET", "POST"])
@login_required
def request_waiver(request: HttpRequest, key: str, policy: str) -> HttpResponse:
    """Ask for one, from a policy that failed."""
    user = person(request)
    evaluation = find_visible(user, Evaluation, key, "project", "pull_request")
    require(user, Action.REQUEST_WAIVER, evaluation)
    try:
        result = failed_result(evaluation, policy)
    except PolicyError as error:
        messages.warning(request, str(error))
        return redirect("policies:evaluation", key=evaluation.pk)
    wanted = request.GET.get("fingerprint", "")
    form = RequestForm(scopes(result), request.POST if request.method == "POST" else None, fingerprint=wanted)
    if request.method == "POST" and form.is_valid():
        try:
            services.request(
                evaluation.project,
                policy,
                scope=form.scope,
                reason=form.cleaned_data["reason"],
                days=form.cleaned_data["days"],
                by=actor(request),
                person=user,
            )
        except (PolicyError, ProjectArchived) as error:
            form.add_error(None, str(error))
        else:
            messages.success(
                request, "The waiver is requested. It waives nothing until somebody approves it."
            )
            return redirect("policies:evaluation", key=evaluation.pk)
    context = {"evaluation": evaluation, "result": result, "form": form, **TAB}
    return ask(request, "policies/parts/request_waiver.html", context)


@require_POST
@login_required
def approve(request: HttpRequest, key: str) -> HttpResponse:
    """What it covers fails no more."""
    row = _find(person(request), key)
    require(person(request), Action.DECIDE_WAIVER, row)

    def act(note: str) -> None:
        services.approve(row, by=actor(request), person=person(request), note=note)

    return _done(request, row, act, "Approved. Verdicts that counted this failure are decided again.")


@require_POST
@login_required
def reject(request: HttpRequest, key: str) -> HttpResponse:
    """It waives nothing."""
    row = _find(person(request), key)
    require(person(request), Action.DECIDE_WAIVER, row)
    return _done(
        request, row, lambda note: services.reject(row, by=actor(request), note=note), "Rejected: nothing is waived."
    )  # fmt: skip


@require_POST
@login_required
def withdraw(request: HttpRequest, key: str) -> HttpResponse:
    """End it: what it covered fails again."""
    row = _find(person(request), key)
    require_withdrawal(person(request), row)
    return _done(
        request, row, lambda note: services.withdraw(row, by=actor(request), note=note), "Withdrawn: nothing is waived by it any more."
    )  # fmt: skip


def _done(request: HttpRequest, row: Waiver, act: Callable[[str], Any], said: str) -> HttpResponse:
    try:
        act(request.POST.get("note", "").replace("\x00", ""))
        messages.success(request, said)
    except PolicyError as error:
        messages.warning(request, str(error))
    return redirect("waivers:waiver", key=row.pk)


def _find(user: User, key: str) -> Waiver:
    return find_visible(user, Waiver, key, "project__workspace", "version__policy", "requester")
