"""REST: the repositories under trial."""

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Schema

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.authentication import person
from seatrial.control.listing import MOST, Cursor, Limit, page
from seatrial.control.projects.models import Project

router = Router(tags=["projects"])


class ProjectAnswer(Schema):
    """A repository under trial."""

    id: str = Field(description="Its id.")
    name: str = Field(description="The repository's name.")
    slug: str = Field(description="Its name in addresses, unique in its workspace.")
    workspace: str = Field(description="The slug of its workspace.")
    forge: str = Field(description="The kind of its code host.")
    default_branch: str = Field(description="The branch that others are merged into.")
    web_url: str = Field(description="Its page at its forge.")


@router.get("", response=list[ProjectAnswer], summary="List projects by name")
def list_projects(
    request: HttpRequest, response: HttpResponse, limit: Limit = MOST, cursor: Cursor = ""
) -> list[ProjectAnswer]:
    """The projects that you may see, without archived ones."""
    rows = (
        visible(person(request), Project).filter(archived_at=None).select_related("workspace", "connection")
    )
    return [
        _answer(row) for row in page(rows, request, response, by=("name", "id"), limit=limit, cursor=cursor)
    ]


def _answer(row: Project) -> ProjectAnswer:
    return ProjectAnswer(
        id=row.pk,
        name=row.name,
        slug=row.slug,
        workspace=row.workspace.slug,
        forge=row.connection.forge,
        default_branch=row.default_branch,
        web_url=row.web_url,
    )
