"""REST: who gets into previews."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Path, Router, Schema
from ninja.responses import Status

from seatrial.control.accounts.access import Action, find_allowed, find_visible
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.entrance import bypass, guests, rules
from seatrial.control.entrance.models import BypassToken, GuestLink
from seatrial.control.previews.models import Environment
from seatrial.control.projects.gates import newest
from seatrial.control.projects.models import Mode, Project

router = Router(tags=["previews"])
ProjectId = Annotated[str, Path(description="Id of a project.")]
EnvironmentId = Annotated[str, Path(description="Id of a preview.")]
GuestId = Annotated[str, Path(description="Id of a guest link.")]
PROBLEMS = {400: ErrorAnswer, 403: ErrorAnswer, 404: ErrorAnswer}


class AccessAnswer(Schema):
    """Who gets into the previews of a project."""

    project: str = Field(description="Id of the project.")
    mode: str = Field(description="public, basic, addresses or members.")
    username: str = Field(description="The user name of basic auth; empty otherwise.")
    addresses: list[str] = Field(description="The networks of the IP allowlist; empty otherwise.")
    bypass_token: bool = Field(description="Whether there is a bypass token for programs.")
    behind: int = Field(
        description="How many previews still ask for what was decided before: until their next deployment, or until it is applied."
    )


class AccessWanted(Schema):
    """Who is to get in from each preview's next deployment on."""

    mode: str = Field(max_length=50, description="public, basic, addresses or members.")
    username: str = Field("", max_length=1_000, description="With basic: the user name.")
    password: str = Field(
        "",
        max_length=1_000,
        description="With basic: at least 8 characters. Empty: the one that is set stays.",
    )
    addresses: list[str] = Field(
        [],
        max_length=1_000,
        description="With addresses: addresses and networks. One that is none refuses all.",
    )


class AppliedAnswer(Schema):
    """What applying did."""

    previews: int = Field(description="How many previews ask for something else now.")


class BypassAnswer(Schema):
    """The bypass token of a project."""

    token: str = Field(description="What programs send as `X-Galley-Bypass`, or once as `?galley-bypass=`.")


class GuestWanted(Schema):
    """A guest link."""

    hours: int = Field(72, description="How long it is valid: 1 to 720.")
    note: str = Field("", max_length=1_000, description="For whom it is.")


class GuestAnswer(Schema):
    """A guest link of a preview."""

    id: str = Field(description="Its id.")
    environment: str = Field(description="Id of the preview.")
    note: str = Field(description="For whom it is.")
    by: str = Field(description="Who made it.")
    created_at: datetime = Field(description="When.")
    expires_at: datetime = Field(description="Until when it is valid.")
    url: str = Field(description="The link, in the answer that made it; empty ever after.")


@router.get(
    "/projects/{project}/access", response={200: AccessAnswer, **PROBLEMS}, summary="Who gets into previews"
)
def get_access(request: HttpRequest, project: ProjectId) -> AccessAnswer:
    """It takes the role admin."""
    return _access(_managed(request, project))


@router.put(
    "/projects/{project}/access",
    response={200: AccessAnswer, **PROBLEMS},
    summary="Decide who gets into previews",
)
def put_access(request: HttpRequest, project: ProjectId, wanted: AccessWanted) -> AccessAnswer:
    """It takes the role admin. It counts from each preview's next deployment on, or once it is applied."""
    row = _managed(request, project)
    rules.decide(row, by=actor(request), **wanted.dict())
    return _access(row)


@router.post(
    "/projects/{project}/access/apply",
    response={200: AppliedAnswer, **PROBLEMS},
    summary="Apply it to previews that run",
)
def apply_access(request: HttpRequest, project: ProjectId) -> AppliedAnswer:
    """It counts within a second, without a deployment."""
    return AppliedAnswer(previews=rules.apply(_managed(request, project), by=actor(request)))


@router.get(
    "/projects/{project}/bypass-token", response={200: BypassAnswer, **PROBLEMS}, summary="The bypass token"
)
def get_bypass_token(request: HttpRequest, project: ProjectId) -> BypassAnswer:
    """It takes the role admin, and is in the audit log."""
    return BypassAnswer(token=bypass.read(_managed(request, project), by=actor(request)))


@router.post(
    "/projects/{project}/bypass-token",
    response={200: BypassAnswer, **PROBLEMS},
    summary="Rotate the bypass token",
)
def rotate_bypass_token(request: HttpRequest, project: ProjectId) -> BypassAnswer:
    """The one before ends at once."""
    return BypassAnswer(token=bypass.rotate(_managed(request, project), by=actor(request)))


@router.delete(
    "/projects/{project}/bypass-token", response={204: None, **PROBLEMS}, summary="Revoke the bypass token"
)
def revoke_bypass_token(request: HttpRequest, project: ProjectId) -> Status[None]:
    """Programs that show it stay out from now on."""
    bypass.revoke(_managed(request, project), by=actor(request))
    return Status(204, None)


@router.get(
    "/environments/{environment}/guests",
    response={200: list[GuestAnswer], 404: ErrorAnswer},
    summary="Guest links of a preview",
)
def list_guests(request: HttpRequest, environment: EnvironmentId) -> list[GuestAnswer]:
    """Those that are valid, newest first."""
    row = find_visible(person(request), Environment, environment)
    return [_guest(link) for link in guests.valid(row)]


@router.post(
    "/environments/{environment}/guests",
    response={200: GuestAnswer, 409: ErrorAnswer, **PROBLEMS},
    summary="Invite a guest",
)
def invite_guest(request: HttpRequest, environment: EnvironmentId, wanted: GuestWanted) -> GuestAnswer:
    """It takes the role developer. Whoever has the link gets into this preview until it expires or is revoked."""
    row = find_allowed(person(request), Action.INVITE_GUEST, Environment, environment)
    link, url = guests.invite(row, hours=wanted.hours, note=wanted.note, by=actor(request))
    return _guest(link, url)


@router.delete("/guests/{guest}", response={204: None, **PROBLEMS}, summary="Revoke a guest link")
def revoke_guest(request: HttpRequest, guest: GuestId) -> Status[None]:
    """Whoever came by it stays out from now on."""
    link = find_allowed(person(request), Action.INVITE_GUEST, GuestLink, guest, "environment__project")
    guests.revoke(link, by=actor(request))
    return Status(204, None)


def _managed(request: HttpRequest, project: str) -> Project:
    return find_allowed(person(request), Action.MANAGE_PROJECTS, Project, project)


def _access(project: Project) -> AccessAnswer:
    gate = newest(project)
    return AccessAnswer(
        project=project.pk,
        mode=gate.mode if gate is not None else Mode.PUBLIC,
        username=gate.username if gate is not None else "",
        addresses=gate.addresses if gate is not None else [],
        bypass_token=BypassToken.objects.filter(project=project).exists(),
        behind=rules.behind(project).count(),
    )


def _guest(link: GuestLink, url: str = "") -> GuestAnswer:
    return GuestAnswer(
        id=link.pk,
        environment=link.environment_id,
        note=link.note,
        by=link.by,
        created_at=link.created_at,
        expires_at=link.expires_at,
        url=url,
    )
