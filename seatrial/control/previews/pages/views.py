"""The page of one environment: state, address, phases, logs and buttons."""

from collections.abc import Callable
from datetime import datetime

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from seatrial.control.accounts.access import Action, require, visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.pages import LivePart, follow, still_watching, watcher
from seatrial.control.audit.actors import Actor
from seatrial.control.dashboard.asking import ask
from seatrial.control.dashboard.streams import Watched, download
from seatrial.control.previews import services as previews
from seatrial.control.previews.apps import log_tails
from seatrial.control.previews.errors import PreviewError
from seatrial.control.previews.evidence.shown import screenshots_of
from seatrial.control.previews.kept_lines import CLOCK_SLACK
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.pages.environment import (
    environment_context,
    environment_fingerprint,
    find_environment,
)
from seatrial.control.previews.pages.logs import log_events, log_filter, log_text
from seatrial.control.previews.pages.speakers import Speakers


@require_GET
@login_required
def environment(request: HttpRequest, key: str) -> HttpResponse:
    """The page. `?deployment=<id>` shows only that deployment's logs, instead of those since the newest one began."""
    context = environment_context(person(request), key)
    wanted = request.GET.get("deployment", "")
    chosen = next((row for row in context["deployments"] if row.pk == wanted), None)
    live = context["environment"].live
    context |= {"tab": "projects", "chosen": chosen, "pictures": screenshots_of([live]) if live else []}
    return render(request, "previews/environment.html", context)


@require_GET
async def environment_stream(request: HttpRequest, key: str) -> HttpResponseBase:
    """Its live part, and its log lines."""
    user = await watcher(request)
    environment = await sync_to_async(find_environment)(user, key)
    chosen, since = await _log_choice(request, environment)

    part = LivePart(
        "previews/parts/environment_update.html",
        lambda user: environment_context(user, key),
        lambda user: environment_fingerprint(user, key),
    )
    return await follow(
        request, part, extra=lambda: log_events(log_tails(), chosen, since, Speakers(environment.pk))
    )


@require_GET
async def environment_log(request: HttpRequest, key: str) -> HttpResponseBase:
    """Every stored line as a text file."""
    user = await watcher(request)
    environment = await sync_to_async(find_environment)(user, key)
    deployments, since = await _downloaded(request, environment)
    return await download(
        request,
        f"{environment.name}.log",
        lambda: log_text(log_tails(), deployments, since, Speakers(environment.pk)),
        Watched(
            still_watching,
            lambda user: visible(user, Environment).filter(pk=key).exists() or None,
            lambda user: "",
        ),
    )


async def _log_choice(request: HttpRequest, environment: Environment) -> tuple[str, datetime | None]:
    """One deployment's lines, or all lines of the environment since the newest deployment began."""
    rows = environment.deployments.order_by("-id")
    wanted = request.GET.get("deployment", "")
    if wanted:
        chosen = await rows.filter(pk=wanted).afirst()
        if chosen is None:
            return log_filter(environment.pk, "none"), None
        return log_filter(environment.pk, chosen.pk, agent=chosen.agent_id or ""), None
    newest = await rows.afirst()
    return log_filter(environment.pk), newest.created_at if newest else None


async def _downloaded(
    request: HttpRequest, environment: Environment
) -> tuple[list[Deployment], datetime | None]:
    """The same choice for a file: the deployments that may have spoken, the oldest first."""
    rows = environment.deployments.exclude(agent=None).order_by("id")
    wanted = request.GET.get("deployment", "")
    if wanted:
        return [row async for row in rows.filter(pk=wanted)], None
    newest = await environment.deployments.order_by("-id").afirst()
    if newest is None:
        return [], None
    over = Q(ready_at=None, finished_at__lt=newest.created_at - CLOCK_SLACK)  # it never ran
    return [row async for row in rows.exclude(over)], newest.created_at


Act = Callable[[Environment, Actor], Environment]


def _on_it(order: Callable[[Environment, Actor], object]) -> Act:
    """An order that leaves the environment which it was given to as the one to show."""

    def act(environment: Environment, by: Actor) -> Environment:
        order(environment, by)
        return environment

    return act


def _rebuild(environment: Environment, by: Actor) -> Environment:
    """Rebuild, and return the environment to show: for a stopped preview it is a new one."""
    return previews.rebuild(environment, by).environment


@require_http_methods(["GET", "POST"])
@login_required
def rebuild(request: HttpRequest, key: str) -> HttpResponse:
    """Ask, then build the newest commit again."""
    return _confirmed(request, key, Action.REBUILD_PREVIEW, "rebuild", _rebuild, "Rebuild requested.")


@require_http_methods(["GET", "POST"])
@login_required
def reset_data(request: HttpRequest, key: str) -> HttpResponse:
    """Ask, then empty its data and deploy anew."""
    done = "The data is being reset."
    return _confirmed(
        request, key, Action.RESET_PREVIEW_DATA, "reset_data", _on_it(previews.reset_data), done
    )


@require_http_methods(["GET", "POST"])
@login_required
def stop(request: HttpRequest, key: str) -> HttpResponse:
    """Ask, then stop the environment."""
    return _confirmed(
        request, key, Action.STOP_PREVIEW, "stop", _on_it(previews.stop), "The preview is being stopped."
    )


@require_POST
@login_required
def undo(request: HttpRequest, key: str) -> HttpResponse:
    """Undo that it was stopped. That loses nothing, so nobody is asked."""
    return _act(request, key, Action.STOP_PREVIEW, _on_it(previews.undo), "The preview runs again as it was.")


@require_POST
@login_required
def extend(request: HttpRequest, key: str) -> HttpResponse:
    """Let it live longer. That can be done again and undone by a stop, so nobody is asked."""
    return _act(request, key, Action.EXTEND_PREVIEW, _on_it(previews.extend), "The preview lives longer.")


@require_POST
@login_required
def pin(request: HttpRequest, key: str) -> HttpResponse:
    """Keep it beyond its time to live. The same place undoes that, so nobody is asked."""
    return _act(
        request, key, Action.EXTEND_PREVIEW, _on_it(previews.pin), "Pinned: the preview does not expire."
    )


@require_POST
@login_required
def unpin(request: HttpRequest, key: str) -> HttpResponse:
    """Undo that it was pinned."""
    return _act(
        request, key, Action.EXTEND_PREVIEW, _on_it(previews.unpin), "No longer pinned: the preview expires."
    )


@require_POST
@login_required
def sleep(request: HttpRequest, key: str) -> HttpResponse:
    """Put it to sleep. Whoever visits it wakes it, so nobody is asked."""
    return _act(request, key, Action.EXTEND_PREVIEW, _on_it(previews.sleep), "The preview falls asleep.")


@require_POST
@login_required
def wake(request: HttpRequest, key: str) -> HttpResponse:
    """Wake it."""
    return _act(request, key, Action.EXTEND_PREVIEW, _on_it(previews.wake), "The preview is waking.")


def _confirmed(
    request: HttpRequest, key: str, action: Action, what: str, act: Act, done: str
) -> HttpResponse | HttpResponseRedirect:
    """GET asks for confirmation (in the dialog, or as a page without scripts); POST acts and shows the result."""
    if request.method == "POST":
        return _act(request, key, action, act, done)
    environment = find_environment(person(request), key)
    require(person(request), action, environment)
    asked = {
        "environment": environment,
        "tab": "projects",
        "undo_seconds": settings.CONFIGURATION.galley_undo_seconds if environment.live_id else 0,
    }
    return ask(request, f"previews/parts/confirm_{what}.html", asked)


def _act(request: HttpRequest, key: str, action: Action, act: Act, done: str) -> HttpResponseRedirect:
    user = person(request)
    environment = find_environment(user, key)
    require(user, action, environment)
    try:
        environment = act(environment, actor(request))
        messages.success(request, done)
    except PreviewError as error:
        messages.warning(request, str(error))
    return redirect("previews:environment", key=environment.pk)
