"""REST: previews."""

from collections.abc import Callable
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from seatrial.control.accounts.access import Action, find_visible, require, visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.audit.actors import Actor
from seatrial.control.listing import MOST, Cursor, Limit, page
from seatrial.control.previews import services
from seatrial.control.previews.answers import EnvironmentAnswer, answers
from seatrial.control.previews.models import Environment
from seatrial.wire.states import EnvironmentState

router = Router(tags=["previews"])
OfProject = Annotated[str, Query(description="Only those of the project with this id.")]
OfNumber = Annotated[int | None, Query(description="Only those of pull requests with this number.")]
OfRecipe = Annotated[
    str | None, Query(description="Only those of this further recipe, by its folder; empty: of the first.")
]
OfName = Annotated[str, Query(description="Only those of this name, such as pr-1-shop.")]
TerminatedToo = Annotated[bool, Query(description="Whether those that are gone are listed too.")]
EnvironmentId = Annotated[str, Path(description="Id of a preview.")]


@router.get("/environments", response=list[EnvironmentAnswer], summary="List previews, newest first")
def list_environments(
    request: HttpRequest,
    response: HttpResponse,
    project: OfProject = "",
    number: OfNumber = None,
    name: OfName = "",
    recipe: OfRecipe = None,
    terminated: TerminatedToo = False,
    limit: Limit = MOST,
    cursor: Cursor = "",
) -> list[EnvironmentAnswer]:
    """The previews that exist now; with `terminated`, also those that are gone."""
    rows = visible(person(request), Environment)
    if project:
        rows = rows.filter(project=project)
    if number is not None:
        rows = rows.filter(pull_request__number=min(max(number, 0), 2**31 - 1))
    if recipe is not None:
        rows = rows.filter(recipe=recipe)
    if name:
        rows = rows.filter(name=name)
    if not terminated:
        rows = rows.exclude(state=EnvironmentState.TERMINATED)
    listed = page(rows.only("id"), request, response, by=("-id",), limit=limit, cursor=cursor)
    return answers(Environment.objects.filter(pk__in=[row.pk for row in listed]).order_by("-id"))


@router.get(
    "/environments/{environment_id}",
    response={200: EnvironmentAnswer, 404: ErrorAnswer},
    summary="One preview",
)
def get_environment(request: HttpRequest, environment_id: EnvironmentId) -> EnvironmentAnswer:
    """The preview, also when it is terminated."""
    return _fresh(find_visible(person(request), Environment, environment_id))


@router.post(
    "/environments/{environment_id}/rebuild",
    response={200: EnvironmentAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer},
    summary="Build and deploy the commit again",
)
def rebuild(request: HttpRequest, environment_id: EnvironmentId) -> EnvironmentAnswer:
    """Builds without caches. The stop of a preview is undone; if that is no longer possible, it comes back as a new
    environment, which is returned."""
    environment = find_visible(person(request), Environment, environment_id)
    require(person(request), Action.REBUILD_PREVIEW, environment)
    deployment = services.rebuild(environment, by=actor(request))
    return _fresh(deployment.environment)


@router.post(
    "/environments/{environment_id}/reset-data",
    response={200: EnvironmentAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer},
    summary="Reset the data of a preview",
)
def reset_data(request: HttpRequest, environment_id: EnvironmentId) -> EnvironmentAnswer:
    """Everything in its volumes is removed, which cannot be undone; then the newest commit is deployed, and seeds it again. Nothing
    is live until then."""
    environment = find_visible(person(request), Environment, environment_id)
    require(person(request), Action.RESET_PREVIEW_DATA, environment)
    services.reset_data(environment, by=actor(request))
    return _fresh(environment)


@router.post(
    "/environments/{environment_id}/stop",
    response={200: EnvironmentAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer},
    summary="Stop a preview",
)
def stop(request: HttpRequest, environment_id: EnvironmentId) -> EnvironmentAnswer:
    """It stays stopped until the next commit of its pull request, or until the pull request is opened again.

    Until `undo_until`, that can be undone; then everything is removed. A preview of which nothing is live is removed at once.
    """
    environment = find_visible(person(request), Environment, environment_id)
    require(person(request), Action.STOP_PREVIEW, environment)
    services.stop(environment, by=actor(request))
    return _fresh(environment)


@router.post(
    "/environments/{environment_id}/undo",
    response={200: EnvironmentAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer},
    summary="Undo that a preview was stopped",
)
def undo(request: HttpRequest, environment_id: EnvironmentId) -> EnvironmentAnswer:
    """It runs again as it was, with its data; if there is a newer commit, that is deployed. Needs the right to stop it."""
    environment = find_visible(person(request), Environment, environment_id)
    require(person(request), Action.STOP_PREVIEW, environment)
    services.undo(environment, by=actor(request))
    return _fresh(environment)


@router.post(
    "/environments/{environment_id}/extend",
    response={200: EnvironmentAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer},
    summary="Let a preview live longer",
)
def extend(request: HttpRequest, environment_id: EnvironmentId) -> EnvironmentAnswer:
    """By its project's time to live, from when it would end; `expires_at` says when that is now."""
    environment = find_visible(person(request), Environment, environment_id)
    require(person(request), Action.EXTEND_PREVIEW, environment)
    services.extend(environment, by=actor(request))
    return _fresh(environment)


@router.post(
    "/environments/{environment_id}/pin",
    response={200: EnvironmentAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer},
    summary="Keep a preview beyond its time to live",
)
def pin(request: HttpRequest, environment_id: EnvironmentId) -> EnvironmentAnswer:
    """Until its pull request is closed, or somebody stops or unpins it."""
    return _ordered(request, environment_id, services.pin)


@router.post(
    "/environments/{environment_id}/unpin",
    response={200: EnvironmentAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer},
    summary="Undo that a preview was pinned",
)
def unpin(request: HttpRequest, environment_id: EnvironmentId) -> EnvironmentAnswer:
    """`expires_at` says when it ends now: if its time to live is over, it gets a whole one."""
    return _ordered(request, environment_id, services.unpin)


@router.post(
    "/environments/{environment_id}/sleep",
    response={200: EnvironmentAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer},
    summary="Put a preview to sleep",
)
def sleep(request: HttpRequest, environment_id: EnvironmentId) -> EnvironmentAnswer:
    """It is paused within seconds, or stopped if its project only stops. Whoever visits it wakes it. Needs the right to extend it."""
    return _ordered(request, environment_id, services.sleep)


@router.post(
    "/environments/{environment_id}/wake",
    response={200: EnvironmentAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer},
    summary="Wake a preview that sleeps",
)
def wake(request: HttpRequest, environment_id: EnvironmentId) -> EnvironmentAnswer:
    """Its state stays `hibernating` until it answers; `waking` says that it is on its way."""
    return _ordered(request, environment_id, services.wake)


def _ordered(
    request: HttpRequest, environment_id: str, order: Callable[[Environment, Actor], None]
) -> EnvironmentAnswer:
    """Carry out what whoever may extend a preview may do to it."""
    environment = find_visible(person(request), Environment, environment_id)
    require(person(request), Action.EXTEND_PREVIEW, environment)
    order(environment, actor(request))
    return _fresh(environment)


def _fresh(environment: Environment) -> EnvironmentAnswer:
    return answers(Environment.objects.filter(pk=environment.pk))[0]
