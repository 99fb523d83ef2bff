"""One evaluation: the verdict, how well it was isolated, and what each policy said."""

from collections.abc import Callable, Hashable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from seatrial.control.accounts.access import Action, allowed, find_visible, require, visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import User
from seatrial.control.accounts.pages import LivePart, follow, watcher
from seatrial.control.dashboard.links import Link
from seatrial.control.moment import one_moment
from seatrial.control.policies.again import again, why_not_again
from seatrial.control.policies.errors import PolicyError
from seatrial.control.policies.models import BrokenGlass, Evaluation, Result, Waiver
from seatrial.control.policies.reports.formats import FORMS
from seatrial.control.policies.weighing import AGAINST
from seatrial.control.projects.errors import ProjectArchived
from seatrial.control.projects.models import PullRequest
from seatrial.wire.states import EvaluationState, ResultState, WaiverState

PreviewOf = Callable[[PullRequest], Link | None]  # the link to the page of a pull request's preview
ORDER = [
    ResultState.FAILED, ResultState.ERRORED, ResultState.TIMED_OUT, ResultState.PASSED,
    ResultState.WAIVED, ResultState.SKIPPED,
]  # fmt: skip

LIVE = (
    "state",
    "queued_at",
    "started_at",
    "finished_at",
    "message",
    "waits_for",
)  # what changes while people look


@one_moment()
def evaluation_context(user: User, key: str, preview_of: PreviewOf) -> dict[str, Any]:
    """The page's variables, all of one moment; a constant number of queries. Raises NotFound."""
    evaluation = _find(user, key)
    results = sorted(
        evaluation.results.select_related("version__policy").prefetch_related("waivers"),
        key=_by_need,
    )
    answered = {result.version_id for result in results}
    waiting = [
        version
        for version in evaluation.versions.select_related("policy").order_by("policy__name")
        if version.pk not in answered
    ]
    return {
        "evaluation": evaluation,
        "project": evaluation.project,
        "results": results,
        "waiting": waiting,
        "passed": sum(result.state == ResultState.PASSED for result in results),
        "networked": sum(bool(result.network) for result in results),
        "asked": list(_asked(evaluation)),
        "may_run": allowed(user, Action.RUN_EVALUATION, evaluation) and why_not_again(evaluation) is None,
        "may_request": allowed(user, Action.REQUEST_WAIVER, evaluation),
        "glasses": BrokenGlass.objects.filter(project=evaluation.project_id, commit=evaluation.commit),
        "may_break": evaluation.state in AGAINST and allowed(user, Action.BREAK_GLASS, evaluation),
        "may_mend": evaluation.glass is not None and allowed(user, Action.BREAK_GLASS, evaluation),
        "preview": preview_of(evaluation.pull_request) if evaluation.pull_request else None,
        "done": EvaluationState(evaluation.state).terminal,
        "reports": FORMS,
    }


@require_POST
@login_required
def run_again(request: HttpRequest, key: str, preview_of: PreviewOf) -> HttpResponse:
    """Run the policies that apply now on the same commit. That loses nothing, so nobody is asked."""
    user = person(request)
    row = _find(user, key)
    require(user, Action.RUN_EVALUATION, row)
    try:
        row = again(row, by=actor(request))
    except (PolicyError, ProjectArchived) as error:
        messages.warning(request, str(error))
    return redirect("policies:evaluation", key=row.pk)


def _by_need(result: Result) -> tuple[bool, bool, int, str]:
    """What fails the check comes first, then what advisory policies remark, then all else."""
    state = ResultState(result.state)
    return state not in AGAINST, result.is_remark, ORDER.index(state), result.version.policy.name


def _asked(evaluation: Evaluation) -> QuerySet[Waiver]:
    """Waivers of its policies that wait for a decision."""
    rows = Waiver.objects.filter(project=evaluation.project_id, state=WaiverState.REQUESTED)
    return rows.filter(version__evaluations=evaluation).order_by("id")


def _find(user: User, key: str) -> Evaluation:
    return find_visible(user, Evaluation, key, "project__workspace", "pull_request", "glass")


@require_GET
@login_required
def evaluation(request: HttpRequest, key: str, preview_of: PreviewOf) -> HttpResponse:
    """The page."""
    context = evaluation_context(person(request), key, preview_of)
    return render(request, "policies/evaluation.html", {**context, "tab": "projects"})


@require_GET
async def evaluation_stream(request: HttpRequest, key: str, preview_of: PreviewOf) -> HttpResponseBase:
    """Its live part."""
    user = await watcher(request)
    await sync_to_async(_find)(user, key)

    def context(user: User) -> dict[str, Any]:
        return evaluation_context(user, key, preview_of)

    def fingerprint(user: User) -> Hashable | None:
        row = visible(user, Evaluation).filter(pk=key).first()
        if row is None:
            return None
        asked = tuple(_asked(row).values_list("pk", flat=True))
        waived = tuple(row.results.exclude(waivers=None).order_by("pk").values_list("pk", "state"))
        return (*(getattr(row, name) for name in LIVE), asked, waived)

    return await follow(request, LivePart("policies/parts/evaluation.html", context, fingerprint))
