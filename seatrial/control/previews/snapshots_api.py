"""REST: snapshots of the data of previews."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Path, Router, Schema

from seatrial.control.accounts.access import Action, find_visible, require
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.previews import snapshots
from seatrial.control.previews.models import Environment, Snapshot
from seatrial.control.projects.models import Project

router = Router(tags=["previews"])
SHOWN = 20


class SaveInput(Schema):
    """How to save."""

    for_forks: bool = Field(False, description="Whether previews of forks begin with it, too.")


class SnapshotAnswer(Schema):
    """The data of a preview, as it was saved. The newest that is saved is its project's template."""

    id: str = Field(description="Its id.")
    project: str = Field(description="Id of its project.")
    source: str = Field(description="The preview whose data it is, such as pr-1-shop.")
    recipe: str = Field(
        description="Of which further recipe of its project that was, by its folder; empty: of the first."
    )
    state: str = Field(description="saving, saved or failed.")
    problem: str = Field(description="Why it was not saved, for people; empty otherwise.")
    reflinked: bool = Field(
        description="Whether the file system shares the bytes of copies until one is changed; false: they are copied."
    )
    for_forks: bool = Field(description="Whether previews of forks begin with it, too.")
    agent: str = Field(description="Name of the agent that has it.")
    saved_by: str = Field(description="Who had it saved.")
    created_at: datetime = Field(description="When.")
    removed: bool = Field(description="Whether it was removed, by somebody or for a newer one.")


@router.post(
    "/environments/{environment_id}/save-data",
    response={200: SnapshotAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer},
    summary="Save the data of a preview as its project's template",
)
def save_data(
    request: HttpRequest,
    environment_id: Annotated[str, Path(description="Id of a preview.")],
    body: SaveInput,
) -> SnapshotAnswer:
    """Its containers are paused while its volumes are copied. New previews of the project begin with the copy, once it is saved."""
    environment = find_visible(person(request), Environment, environment_id)
    require(person(request), Action.MANAGE_PROJECTS, environment)
    return _answer(snapshots.save(environment, actor(request), for_forks=body.for_forks))


@router.get(
    "/projects/{project_id}/snapshots",
    response={200: list[SnapshotAnswer], 404: ErrorAnswer},
    summary="List the newest snapshots of a project",
)
def list_snapshots(
    request: HttpRequest, project_id: Annotated[str, Path(description="Id of a project.")]
) -> list[SnapshotAnswer]:
    """Also those that failed or were removed, newest first."""
    project = find_visible(person(request), Project, project_id)
    rows = project.snapshots.select_related("agent").order_by("-id")[:SHOWN]
    return [_answer(row) for row in rows]


@router.delete(
    "/snapshots/{snapshot_id}",
    response={200: SnapshotAnswer, 403: ErrorAnswer, 404: ErrorAnswer},
    summary="Remove a snapshot",
)
def remove_snapshot(
    request: HttpRequest, snapshot_id: Annotated[str, Path(description="Id of a snapshot.")]
) -> SnapshotAnswer:
    """New previews begin without it; those that began with it keep their data."""
    snapshot = find_visible(person(request), Snapshot, snapshot_id)
    require(person(request), Action.MANAGE_PROJECTS, snapshot)
    snapshots.remove(snapshot, actor(request))
    return _answer(Snapshot.objects.select_related("agent").get(pk=snapshot.pk))


def _answer(row: Snapshot) -> SnapshotAnswer:
    return SnapshotAnswer(
        id=row.pk,
        project=row.project_id,
        source=row.source,
        recipe=row.recipe,
        state=row.state,
        problem=row.problem,
        reflinked=row.reflinked,
        for_forks=row.for_forks,
        agent=row.agent.name,
        saved_by=row.saved_by,
        created_at=row.created_at,
        removed=row.ended_at is not None,
    )
