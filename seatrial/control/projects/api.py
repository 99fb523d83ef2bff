"""REST: the repositories under trial."""

from django.http import HttpRequest
from ninja import Router, Schema

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.authentication import person
from seatrial.control.projects.models import Project

router = Router(tags=["projects"])


class ProjectAnswer(Schema):
    """A repository under trial."""

    id: str
    name: str
    slug: str
    workspace: str
    forge: str
    default_branch: str
    web_url: str


@router.get("", response=list[ProjectAnswer], summary="List projects by name")
def list_projects(request: HttpRequest) -> list[ProjectAnswer]:
    """The projects that you may see, without archived ones."""
    rows = (
        visible(person(request), Project).filter(archived_at=None).select_related("workspace", "connection")
    )
    return [_answer(row) for row in rows.order_by("name", "id")]


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
