"""The pages on which policies are tried: everything that was tried of one, a trial, a replay. They update themselves."""

from collections.abc import Callable, Hashable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.authentication import person
from seatrial.control.accounts.models import User
from seatrial.control.accounts.pages import LivePart, follow, watcher
from seatrial.control.policies.models import Policy, Replay, Trial
from seatrial.control.policies.trials.shown import attempts_context, replay_context, trial_context
from seatrial.control.policies.trials.summaries import summary

TAB = {"tab": "policies"}
Context = Callable[[User], dict[str, Any]]


@require_GET
@login_required
def attempts(request: HttpRequest, workspace: str, slug: str) -> HttpResponse:
    """Everything that was tried of a policy, and the forms to try it."""
    context = attempts_context(person(request), workspace, slug)
    return render(request, "policies/trials/attempts.html", {**context, **TAB})


@require_GET
async def attempts_stream(request: HttpRequest, workspace: str, slug: str) -> HttpResponseBase:
    """Its live part."""

    def context(user: User) -> dict[str, Any]:
        return attempts_context(user, workspace, slug)

    def fingerprint(user: User) -> Hashable | None:
        policy = visible(user, Policy).filter(workspace__slug=workspace, slug=slug).first()
        if policy is None:
            return None
        trials = policy.trials.filter(replay=None).order_by("-id").values_list("pk", "state")[:20]
        replays = policy.replays.order_by("-id")[:10]
        return (*trials, *(summary(one).whole for one in replays))

    return await _followed(request, "policies/trials/parts/attempts.html", context, fingerprint)


@require_GET
@login_required
def trial(request: HttpRequest, key: str) -> HttpResponse:
    """One trial."""
    return render(request, "policies/trials/trial.html", {**trial_context(person(request), key), **TAB})


@require_GET
async def trial_stream(request: HttpRequest, key: str, part: str = "trial") -> HttpResponseBase:
    """Its live part: all of it, or, in the editor, what came of it."""

    def context(user: User) -> dict[str, Any]:
        return trial_context(user, key)

    def fingerprint(user: User) -> Hashable | None:
        return visible(user, Trial).filter(pk=key).values_list("state", "queued_at").first()

    return await _followed(request, f"policies/trials/parts/{part}.html", context, fingerprint)


@require_GET
@login_required
def replay(request: HttpRequest, key: str) -> HttpResponse:
    """One replay."""
    return render(request, "policies/trials/replay.html", {**replay_context(person(request), key), **TAB})


@require_GET
async def replay_stream(request: HttpRequest, key: str) -> HttpResponseBase:
    """Its live part."""

    def context(user: User) -> dict[str, Any]:
        return replay_context(user, key)

    def fingerprint(user: User) -> Hashable | None:
        row = visible(user, Replay).filter(pk=key).first()
        return None if row is None else (row.state, summary(row).whole)

    return await _followed(request, "policies/trials/parts/replay.html", context, fingerprint)


async def _followed(
    request: HttpRequest, template: str, context: Context, fingerprint: Callable[[User], Hashable | None]
) -> HttpResponseBase:
    user = await watcher(request)
    await sync_to_async(context)(user)  # raises NotFound
    return await follow(request, LivePart(template, context, fingerprint))
