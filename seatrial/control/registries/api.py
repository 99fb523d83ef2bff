"""REST: registry logins of a project and of a workspace. The operations are the same for both."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema
from ninja.responses import Status

from seatrial.control.accounts.access import Action
from seatrial.control.accounts.authentication import actor
from seatrial.control.answers import ErrorAnswer
from seatrial.control.projects.models import Tier
from seatrial.control.projects.scopes import Find, of_project, of_workspace
from seatrial.control.registries import setting
from seatrial.control.registries.entries import Entry

router = Router(tags=["previews"])
PROBLEMS = {400: ErrorAnswer, 403: ErrorAnswer, 404: ErrorAnswer}
Registry = Annotated[str, Path(description="The registry's host, with its port; docker.io for Docker Hub.")]
OfTier = Annotated[str, Query(description="trusted or forks.")]


class RegistryLoginAnswer(Schema):
    """One registry login. Nobody is told its password."""

    registry: str = Field(description="The registry: a host, or host:port; docker.io is Docker Hub.")
    tier: str = Field(description="trusted or forks: whose previews pull with it.")
    username: str = Field(description="The user name that the registry is given.")
    inherited: bool = Field(description="Whether it is the workspace's.")
    overridden: bool = Field(description="Whether the project has another one in its place.")
    by: str = Field(description="Who set it.")
    created_at: datetime = Field(description="When.")


class RegistryLoginsAnswer(Schema):
    """The registry logins."""

    registries: list[RegistryLoginAnswer] = Field(description="Its own, then those that it inherits.")


class RegistryLoginWanted(Schema):
    """A registry login."""

    username: str = Field(max_length=1000, description="The user name that the registry is given.")
    password: str = Field(max_length=100_000, description="The password or token. It is never shown again.")
    tier: str = Field(
        Tier.TRUSTED, max_length=50, description="trusted or forks: whose previews pull with it."
    )


def operations(place: str, what: str, find: Find, described: str) -> None:
    """Add, below `place`, those that list, set and remove."""
    base = f"/{place}/{{key}}/registries"
    Key = Annotated[str, Path(description=described)]

    @router.get(
        base,
        response={200: RegistryLoginsAnswer, **PROBLEMS},
        summary=f"The registry logins of a {what}",
        operation_id=f"list_{what}_registries",
    )
    def listed(request: HttpRequest, key: Key) -> RegistryLoginsAnswer:
        """It takes the role developer. Passwords are not shown."""
        rows = setting.shown(find(request, key, Action.VIEW_VARIABLES))
        return RegistryLoginsAnswer(registries=[_answer(one) for one in rows])

    @router.put(
        f"{base}/{{path:registry}}",
        response={200: RegistryLoginAnswer, **PROBLEMS},
        summary=f"Set a registry login of a {what}",
        operation_id=f"set_{what}_registry",
    )
    def put(
        request: HttpRequest, key: Key, registry: Registry, wanted: RegistryLoginWanted
    ) -> RegistryLoginAnswer:
        """It takes the role admin. Pulls that begin use it."""
        scope = find(request, key, Action.MANAGE_VARIABLES)
        entry = Entry(registry, wanted.username, wanted.password, wanted.tier)
        return _answer(setting.Shown(setting.put(scope, entry, by=actor(request))))

    @router.delete(
        f"{base}/{{path:registry}}",
        response={204: None, **PROBLEMS},
        summary=f"Remove a registry login of a {what}",
        operation_id=f"remove_{what}_registry",
    )
    def remove(
        request: HttpRequest, key: Key, registry: Registry, tier: OfTier = Tier.TRUSTED
    ) -> Status[None]:
        """It takes the role admin. Previews that run keep running."""
        setting.remove(find(request, key, Action.MANAGE_VARIABLES), registry, tier, by=actor(request))
        return Status(204, None)


operations("projects", "project", of_project, "Id of a project.")
operations("workspaces", "workspace", of_workspace, "Slug of a workspace.")


def _answer(one: setting.Shown) -> RegistryLoginAnswer:
    return RegistryLoginAnswer(
        registry=one.row.registry,
        tier=one.row.tier,
        username=one.row.username,
        inherited=one.inherited,
        overridden=one.overridden,
        by=one.row.by,
        created_at=one.row.created_at,
    )
