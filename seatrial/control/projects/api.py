"""REST: the repositories under trial."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Query, Router, Schema

from seatrial.control.accounts.access import Action, find_allowed, find_visible, require, visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.listing import MOST, Cursor, Limit, page
from seatrial.control.projects.callbacks import url
from seatrial.control.projects.changing import MOST_OF_A_QUOTA, change_project
from seatrial.control.projects.models import Project

router = Router(tags=["projects"])

ProjectId = Annotated[str, Path(description="Id of the project.")]
ArchivedToo = Annotated[bool, Query(description="Whether archived ones are listed too.")]
PROBLEMS = {400: ErrorAnswer, 403: ErrorAnswer, 404: ErrorAnswer}


class ProjectAnswer(Schema):
    """A repository under trial."""

    id: str = Field(description="Its id.")
    name: str = Field(description="What it is called.")
    slug: str = Field(description="Its name in addresses, unique in its workspace.")
    workspace: str = Field(description="The slug of its workspace.")
    forge: str = Field(description="The kind of its code host.")
    connection: str = Field(description="Id of the connection through which it is reached.")
    full_name: str = Field(description="Its owner and name at its forge; empty for one on this server.")
    default_branch: str = Field(description="The branch that others are merged into.")
    web_url: str = Field(description="Its page at its forge.")
    ttl_hours: int = Field(description="Hours that a preview lives without a new commit.")
    pause_minutes: int = Field(
        description="Minutes without a visitor after which a preview is paused; 0: never."
    )
    stop_minutes: int = Field(
        description="Minutes without a visitor after which a preview is stopped; 0: never."
    )
    previews_enabled: bool = Field(description="Whether pull requests get previews.")
    previews_of_drafts: bool = Field(description="Whether drafts do.")
    previews_need_label: bool = Field(description="Whether only those labelled `preview` do.")
    previews_of_forks: bool = Field(description="Whether those from forks do without approval.")
    private_networks: bool = Field(
        description="Whether its previews, but for those of forks, may connect to private networks."
    )
    tunnels_allowed: bool = Field(
        description="Whether developers may run commands in its previews, and connect to their ports."
    )
    tunnels_of_forks: bool = Field(description="Whether they may in previews of forks, too.")
    recipe_folder: str = Field(
        description="The folder of the repository where its recipe is; empty: the root."
    )
    further_recipes: list[str] = Field(
        description="The folders of its further recipes: each pull request gets a preview of each of them, too."
    )
    callbacks: bool = Field(description="Whether its previews have a callback host.")
    callback_url: str = Field(description="The callback host's address; empty: it has none.")
    max_previews: int = Field(description="Its quota of previews; 0: as many as the server allows.")
    max_cpus: float = Field(description="Its quota of CPUs; 0: as many as the server allows.")
    max_memory_mb: int = Field(
        description="Its quota of memory in megabytes; 0: as much as the server allows."
    )
    labels: list[str] = Field(description="Its labels, by which policies are rolled out.")
    stack: str = Field(description="What it is built with, in one word; empty if nobody said.")
    rescan: str = Field(
        description="When it is re-scanned: never, daily, weekly, or a cron expression in UTC."
    )
    unreachable: str = Field(description="Why its forge cannot report on it; empty while it can.")
    archived_at: datetime | None = Field(description="Since when it is archived; null: it is not.")
    removal_asked_at: datetime | None = Field(description="Since when it is being removed; null: it is not.")


class ProjectChange(Schema):
    """What to change about a project; what is left out stays."""

    name: str | None = Field(None, description="What to call it. Its name in addresses stays.")
    ttl_hours: int | None = Field(
        None, description="Hours that a preview lives without a new commit, counted from its next commit on."
    )
    pause_minutes: int | None = Field(
        None, description="Minutes without a visitor after which its previews are paused; 0: never."
    )
    stop_minutes: int | None = Field(
        None,
        description="Minutes without a visitor after which they are stopped, more than for pausing; 0: never.",
    )
    previews_enabled: bool | None = Field(None, description="Whether pull requests get previews.")
    previews_of_drafts: bool | None = Field(None, description="Whether drafts get previews.")
    previews_need_label: bool | None = Field(
        None, description="Whether only pull requests with the label `preview` get one."
    )
    previews_of_forks: bool | None = Field(
        None, description="Whether pull requests from forks get one without approval: at your risk."
    )
    private_networks: bool | None = Field(
        None,
        description="Whether its previews may connect to private networks, from their next deployment on; the instance admin says so.",
    )
    tunnels_allowed: bool | None = Field(
        None, description="Whether developers may run commands in previews, and connect to their ports."
    )
    tunnels_of_forks: bool | None = Field(
        None, description="Whether they may in previews of pull requests from forks, too."
    )
    recipe_folder: str | None = Field(
        None,
        max_length=1_000,
        description="The folder of the repository where its recipe is, such as services/shop; empty: the root.",
    )
    further_recipes: list[str] | None = Field(
        None,
        description="All of its further recipes, by their folders, such as services/admin: each pull request gets a preview of each, too. "
        "The previews of one that is left out are removed.",
    )
    callbacks: bool | None = Field(
        None, description="Whether its previews have one callback host, for people who sign in elsewhere."
    )
    max_previews: int | None = Field(
        None,
        le=MOST_OF_A_QUOTA,
        description="Previews at the same time; 0: as many as the server allows. What runs goes on.",
    )
    max_cpus: float | None = Field(
        None,
        description="CPUs of all services of all its previews together; 0: as many as the server allows.",
    )
    max_memory_mb: int | None = Field(
        None,
        le=MOST_OF_A_QUOTA,
        description="Megabytes of memory of all services of all its previews together; 0: as much as the server allows.",
    )
    labels: list[str] | None = Field(None, description="All of its labels: letters, digits and hyphens.")
    stack: str | None = Field(
        None, description="What it is built with, in one word, such as django; empty: nothing is said."
    )
    rescan: str | None = Field(
        None,
        max_length=1_000,
        description="When its default branch is evaluated again: never, daily, weekly, or a cron expression in UTC.",
    )


@router.get("", response=list[ProjectAnswer], summary="List projects by name")
def list_projects(
    request: HttpRequest,
    response: HttpResponse,
    archived: ArchivedToo = False,
    limit: Limit = MOST,
    cursor: Cursor = "",
) -> list[ProjectAnswer]:
    """The projects that you may see, without archived ones."""
    rows = visible(person(request), Project).select_related("workspace", "connection")
    if not archived:
        rows = rows.filter(archived_at=None)
    return [
        answer(row) for row in page(rows, request, response, by=("name", "id"), limit=limit, cursor=cursor)
    ]


@router.get("/{project}", response={200: ProjectAnswer, 404: ErrorAnswer}, summary="One project")
def get_project(request: HttpRequest, project: ProjectId) -> ProjectAnswer:
    """The project, also when it is archived."""
    return answer(find_visible(person(request), Project, project, "workspace", "connection"))


@router.patch("/{project}", response={200: ProjectAnswer, **PROBLEMS}, summary="Change a project")
def patch_project(request: HttpRequest, project: ProjectId, change: ProjectChange) -> ProjectAnswer:
    """The previews of its open pull requests follow within seconds."""
    row = find_allowed(person(request), Action.MANAGE_PROJECTS, Project, project, "workspace", "connection")
    if change.private_networks is not None:
        require(person(request), Action.PERMIT_NETWORKS, row)
    given = {name: value for name, value in change.dict().items() if value is not None}
    change_project(row, by=actor(request), **given)
    row.refresh_from_db()
    return answer(row)


def answer(row: Project) -> ProjectAnswer:
    """The project as REST shows it."""
    return ProjectAnswer(
        id=row.pk,
        name=row.name,
        slug=row.slug,
        workspace=row.workspace.slug,
        forge=row.connection.forge,
        connection=row.connection_id,
        full_name=row.full_name,
        default_branch=row.default_branch,
        web_url=row.web_url,
        ttl_hours=row.ttl_hours,
        pause_minutes=row.pause_minutes,
        stop_minutes=row.stop_minutes,
        previews_enabled=row.previews_enabled,
        previews_of_drafts=row.previews_of_drafts,
        previews_need_label=row.previews_need_label,
        previews_of_forks=row.previews_of_forks,
        private_networks=row.private_networks,
        tunnels_allowed=row.tunnels_allowed,
        tunnels_of_forks=row.tunnels_of_forks,
        recipe_folder=row.recipe_folder,
        further_recipes=row.further_recipes,
        callbacks=row.callbacks,
        callback_url=url(row),
        max_previews=row.max_previews,
        max_cpus=row.max_cpus,
        max_memory_mb=row.max_memory_mb,
        labels=row.labels,
        stack=row.stack,
        rescan=row.rescan,
        unreachable=row.unreachable,
        archived_at=row.archived_at,
        removal_asked_at=row.removal_asked_at,
    )
