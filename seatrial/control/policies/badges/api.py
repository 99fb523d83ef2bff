"""REST: the badge of a project."""

from typing import Annotated

from django.conf import settings
from django.http import HttpRequest
from ninja import Field, Path, Router, Schema

from seatrial.control.accounts.access import Action, find_allowed, find_visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.policies.badges import services
from seatrial.control.policies.badges.models import PublicBadge
from seatrial.control.projects.models import Project

router = Router(tags=["policies"])
ProjectId = Annotated[str, Path(description="Id of a project.")]


class BadgeAnswer(Schema):
    """The badge of a project."""

    project: str = Field(description="Id of the project.")
    says: str = Field(description="What it says now, such as 92/100 or no data.")
    private_url: str = Field(description="Where people who may see the project find it, once signed in.")
    public_url: str = Field(
        description="Where everybody finds it who has this address; empty while it is private."
    )
    markdown: str = Field(description="What to paste into a README; empty while it is private.")


@router.get(
    "/projects/{project}/badge", response={200: BadgeAnswer, 404: ErrorAnswer}, summary="A project's badge"
)
def get_badge(request: HttpRequest, project: ProjectId) -> BadgeAnswer:
    """What it says, and where it is."""
    return _answer(find_visible(person(request), Project, project))


@router.post(
    "/projects/{project}/badge",
    response={200: BadgeAnswer, 403: ErrorAnswer, 404: ErrorAnswer},
    summary="Publish a project's badge",
)
def publish_badge(request: HttpRequest, project: ProjectId) -> BadgeAnswer:
    """It takes the role admin. If it is public already, it gets another address, and the old one leads nowhere."""
    row = find_allowed(person(request), Action.MANAGE_PROJECTS, Project, project)
    services.publish(row, by=actor(request))
    return _answer(row)


@router.delete(
    "/projects/{project}/badge",
    response={200: BadgeAnswer, 403: ErrorAnswer, 404: ErrorAnswer},
    summary="Make a project's badge private",
)
def withdraw_badge(request: HttpRequest, project: ProjectId) -> BadgeAnswer:
    """It takes the role admin. Its public address leads nowhere any more."""
    row = find_allowed(person(request), Action.MANAGE_PROJECTS, Project, project)
    services.withdraw(row, by=actor(request))
    return _answer(row)


def _answer(project: Project) -> BadgeAnswer:
    row = PublicBadge.objects.filter(project=project).first()
    return BadgeAnswer(
        project=project.pk,
        says=services.badge(project).value,
        private_url=f"{settings.SITE_URL}/projects/{project.pk}/badge.svg",
        public_url=services.public_url(row) if row is not None else "",
        markdown=services.markdown(row) if row is not None else "",
    )
