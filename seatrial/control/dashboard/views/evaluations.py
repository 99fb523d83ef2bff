"""One evaluation: the verdict, how well it was isolated, and what each policy said."""

from collections.abc import Hashable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.models import User
from seatrial.control.dashboard.live import watched_one, watcher
from seatrial.control.dashboard.requests import one, signed_in
from seatrial.control.dashboard.streams import Watched, stream
from seatrial.control.policies.models import Evaluation
from seatrial.wire.states import ResultState

# What asks for a person comes first.
ORDER = [
    ResultState.FAILED, ResultState.ERRORED, ResultState.TIMED_OUT, ResultState.PASSED, ResultState.SKIPPED,
]  # fmt: skip


def evaluation_context(evaluation: Evaluation) -> dict[str, Any]:
    """The page's variables; a constant number of queries."""
    results = sorted(
        evaluation.results.select_related("version__policy"),
        key=lambda result: (ORDER.index(ResultState(result.state)), result.version.policy.name),
    )
    answered = {result.version_id for result in results}
    waiting = [
        version
        for version in evaluation.versions.select_related("policy").order_by("policy__name")
        if version.pk not in answered
    ]
    preview = (
        evaluation.pull_request.environments.order_by("-created_at").first()
        if evaluation.pull_request
        else None
    )
    return {
        "evaluation": evaluation,
        "project": evaluation.project,
        "results": results,
        "waiting": waiting,
        "passed": sum(result.state == ResultState.PASSED for result in results),
        "preview": preview,
        "done": evaluation.state not in {"queued", "running"},
    }


def _rows(user: User) -> Any:
    return visible(user, Evaluation).select_related("project__workspace", "pull_request")


@require_GET
@login_required
def evaluation(request: HttpRequest, key: str) -> HttpResponse:
    """The page."""
    found = one(_rows(signed_in(request)), key)
    return render(request, "dashboard/evaluation.html", {**evaluation_context(found), "tab": "projects"})


@require_GET
async def evaluation_stream(request: HttpRequest, key: str) -> HttpResponseBase:
    """Its live part."""
    user = await watcher(request)
    await watched_one(_rows(user), key)

    def fingerprint(user: User) -> Hashable | None:
        rows = visible(user, Evaluation).filter(pk=key)
        return rows.values_list("state", "started_at", "finished_at").first()

    def rendered(user: User) -> str:
        context = evaluation_context(one(_rows(user), key))
        return render_to_string("dashboard/parts/evaluation.html", context, request)

    return await stream(request, Watched(fingerprint, rendered))
