"""REST: archiving, restoring and removing projects, removing connections.

All operations of one address must be in one router, so those here join the routers of the apps below. `control.api` takes
both routers from here.
"""

from typing import Annotated

from django.http import HttpRequest
from ninja import Query
from ninja.responses import Status

from seatrial.control.accounts.access import Action, find_allowed
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.forges.api import ConnectionId
from seatrial.control.forges.connection_answers import ConnectionAnswer, answers
from seatrial.control.forges.connections import router as connections
from seatrial.control.projects.api import ProjectAnswer, ProjectId, answer
from seatrial.control.projects.api import router as projects
from seatrial.control.projects.models import Connection, Project
from seatrial.control.triggers import endings

__all__ = ["connections", "projects"]

TypedSlug = Annotated[str, Query(description="The project's slug, to confirm that this one is meant.")]
TypedName = Annotated[
    str, Query(description="The connection's name, to confirm that its projects are removed too.")
]
REFUSED = {400: ErrorAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer}


@projects.post(
    "/{project}/archive",
    response={200: ProjectAnswer, 403: ErrorAnswer, 404: ErrorAnswer},
    summary="Archive a project",
)
def archive(request: HttpRequest, project: ProjectId) -> ProjectAnswer:
    """Its previews end and its webhook is removed at its forge. All of its data is kept. Idempotent."""
    row = _project(request, project)
    endings.archive(row, actor(request))
    return answer(row)


@projects.post(
    "/{project}/restore",
    response={200: ProjectAnswer, 403: ErrorAnswer, 404: ErrorAnswer},
    summary="Restore an archived project",
)
def restore(request: HttpRequest, project: ProjectId) -> ProjectAnswer:
    """It is under trial again, and the previews of its open pull requests come back. Idempotent.

    A project that is being removed is kept with what is still there of it.
    """
    row = _project(request, project)
    endings.restore(row, actor(request))
    return answer(row)


@projects.delete(
    "/{project}",
    response={202: ProjectAnswer, **REFUSED},
    summary="Remove a project with all of its data",
)
def remove(request: HttpRequest, project: ProjectId, confirm: TypedSlug = "") -> Status[ProjectAnswer]:
    """Its previews end and its webhook is removed at its forge; then it is deleted with its pull requests, deployments
    and evaluations. The audit log and stored deliveries stay. Idempotent until it is gone."""
    row = _project(request, project)
    endings.remove(row, actor(request), typed=confirm)
    return Status(202, answer(row))


@connections.delete(
    "/connections/{connection}",
    response={202: ConnectionAnswer, **REFUSED},
    summary="Remove a connection",
)
def remove_connection(
    request: HttpRequest, connection: ConnectionId, confirm: TypedName = ""
) -> Status[ConnectionAnswer]:
    """Without projects; or, with its name, after all of its projects, which are removed with their data."""
    row = find_allowed(person(request), Action.MANAGE_CONNECTIONS, Connection, connection, "workspace")
    endings.remove_connection(row, actor(request), typed=confirm)
    row.refresh_from_db(fields=["removal_asked_at"])
    return Status(202, answers([row])[0])


def _project(request: HttpRequest, project: str) -> Project:
    return find_allowed(person(request), Action.MANAGE_PROJECTS, Project, project, "workspace", "connection")
