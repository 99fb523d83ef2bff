"""REST: previews."""

from django.http import HttpRequest
from ninja import Router

from seatrial.control.accounts.access import Action, find_visible, require, visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.previews import services
from seatrial.control.previews.answers import EnvironmentAnswer, answers
from seatrial.control.previews.models import Environment
from seatrial.wire.states import EnvironmentState

router = Router(tags=["previews"])
MAX_LISTED = 500


@router.get("/environments", response=list[EnvironmentAnswer], summary="List previews, newest first")
def list_environments(
    request: HttpRequest, project: str = "", number: int | None = None, terminated: bool = False
) -> list[EnvironmentAnswer]:
    """The previews that exist now; with `terminated`, also those that are gone. `project` is an id."""
    rows = visible(person(request), Environment)
    if project:
        rows = rows.filter(project=project.replace("\x00", ""))
    if number is not None:
        rows = rows.filter(pull_request__number=min(max(number, 0), 2**31 - 1))
    if not terminated:
        rows = rows.exclude(state=EnvironmentState.TERMINATED)
    return answers(rows.order_by("-id")[:MAX_LISTED])


@router.get(
    "/environments/{environment_id}",
    response={200: EnvironmentAnswer, 404: ErrorAnswer},
    summary="One preview",
)
def get_environment(request: HttpRequest, environment_id: str) -> EnvironmentAnswer:
    """The preview, also when it is terminated."""
    return _fresh(find_visible(person(request), Environment, environment_id))


@router.post(
    "/environments/{environment_id}/rebuild",
    response={200: EnvironmentAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer},
    summary="Build and deploy the commit again",
)
def rebuild(request: HttpRequest, environment_id: str) -> EnvironmentAnswer:
    """Builds without caches. A stopped preview comes back as a new environment, which is returned."""
    environment = find_visible(person(request), Environment, environment_id)
    require(person(request), Action.REBUILD_PREVIEW, environment)
    deployment = services.rebuild(environment, by=actor(request))
    return _fresh(deployment.environment)


@router.post(
    "/environments/{environment_id}/stop",
    response={200: EnvironmentAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer},
    summary="Stop and remove a preview",
)
def stop(request: HttpRequest, environment_id: str) -> EnvironmentAnswer:
    """It stays stopped until the next commit of its pull request, or until the pull request is opened again."""
    environment = find_visible(person(request), Environment, environment_id)
    require(person(request), Action.STOP_PREVIEW, environment)
    services.stop(environment, by=actor(request))
    return _fresh(environment)


def _fresh(environment: Environment) -> EnvironmentAnswer:
    return answers(Environment.objects.filter(pk=environment.pk))[0]
