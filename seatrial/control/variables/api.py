"""REST: variables of a project and of a workspace. The operations are the same for both."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema
from ninja.responses import Status

from seatrial.control.accounts.access import Action
from seatrial.control.accounts.authentication import actor
from seatrial.control.answers import ErrorAnswer
from seatrial.control.projects.models import Tier
from seatrial.control.projects.scopes import Find, Scope, of_project, of_workspace
from seatrial.control.variables import setting
from seatrial.control.variables.entries import Entry, of_dotenv
from seatrial.control.variables.redeploying import behind, redeploy
from seatrial.control.variables.shown import shown

router = Router(tags=["previews"])
PROBLEMS = {400: ErrorAnswer, 403: ErrorAnswer, 404: ErrorAnswer}
Name = Annotated[str, Path(description="The name of the variable.")]
OfTier = Annotated[str, Query(description="trusted or forks.")]


class VariableAnswer(Schema):
    """One variable of previews."""

    name: str = Field(description="Its name.")
    tier: str = Field(description="trusted or forks: whose previews get it.")
    secret: bool = Field(description="Whether it is a secret: shown nowhere, and masked in logs.")
    builds: bool = Field(description="Whether recipes may give it to their builds, as a secret of a step.")
    value: str = Field(description="Its value; empty for a secret.")
    inherited: bool = Field(description="Whether it is the workspace's.")
    overridden: bool = Field(description="Whether the project has another one in its place.")
    masked: bool = Field(description="Whether logs mask it: a secret of at least 6 characters.")
    by: str = Field(description="Who set it.")
    created_at: datetime = Field(description="When.")


class VariablesAnswer(Schema):
    """The variables of previews."""

    variables: list[VariableAnswer] = Field(description="Its own, then those that it inherits.")
    behind: int = Field(
        description="How many previews run with what was set before: until they are deployed again."
    )


class VariableWanted(Schema):
    """A variable."""

    value: str = Field(max_length=100_000, description="Its value.")
    secret: bool = Field(True, description="Whether it is a secret.")
    tier: str = Field(Tier.TRUSTED, max_length=50, description="trusted or forks: whose previews get it.")
    builds: bool = Field(
        False, description="Whether recipes may give it to their builds, as a secret of a step."
    )


class FileWanted(Schema):
    """The variables of a .env file."""

    text: str = Field(max_length=1_000_000, description="The file.")
    secret: bool = Field(True, description="Whether they are secrets.")
    tier: str = Field(Tier.TRUSTED, max_length=50, description="trusted or forks: whose previews get them.")


class ChangedAnswer(Schema):
    """What setting did."""

    changed: list[str] = Field(description="The names of those that were not as they are now.")


class RevealedAnswer(Schema):
    """The value of one variable."""

    name: str = Field(description="Its name.")
    value: str = Field(description="Its value.")


class RedeployedAnswer(Schema):
    """What deploying again did."""

    previews: int = Field(description="How many previews are deployed again.")


def operations(place: str, what: str, find: Find, described: str) -> None:
    """Add, below `place`, those that list, set and unset."""
    base = f"/{place}/{{key}}/variables"
    Key = Annotated[str, Path(description=described)]

    @router.get(
        base,
        response={200: VariablesAnswer, **PROBLEMS},
        summary=f"The variables of a {what}",
        operation_id=f"list_{what}_variables",
    )
    def listed(request: HttpRequest, key: Key) -> VariablesAnswer:
        """It takes the role developer. Secrets have no value here."""
        return _answer(find(request, key, Action.VIEW_VARIABLES))

    @router.put(
        f"{base}/{{name}}",
        response={200: ChangedAnswer, **PROBLEMS},
        summary=f"Set a variable of a {what}",
        operation_id=f"set_{what}_variable",
    )
    def put(request: HttpRequest, key: Key, name: Name, wanted: VariableWanted) -> ChangedAnswer:
        """It takes the role admin. Each preview gets it with its next deployment."""
        scope = find(request, key, Action.MANAGE_VARIABLES)
        entry = Entry(name, wanted.value, secret=wanted.secret, tier=wanted.tier, builds=wanted.builds)
        return ChangedAnswer(changed=setting.put(scope, [entry], by=actor(request)))

    @router.delete(
        f"{base}/{{name}}",
        response={204: None, **PROBLEMS},
        summary=f"Unset a variable of a {what}",
        operation_id=f"unset_{what}_variable",
    )
    def unset(request: HttpRequest, key: Key, name: Name, tier: OfTier = Tier.TRUSTED) -> Status[None]:
        """It takes the role admin. Previews that have it keep it until their next deployment."""
        setting.unset(find(request, key, Action.MANAGE_VARIABLES), name, tier, by=actor(request))
        return Status(204, None)


def further(place: str, what: str, find: Find, described: str) -> None:
    """Add the rest of the operations: revealing one, importing many, deploying again."""
    base = f"/{place}/{{key}}/variables"
    Key = Annotated[str, Path(description=described)]

    @router.post(
        f"{base}/{{name}}/reveal",
        response={200: RevealedAnswer, **PROBLEMS},
        summary=f"Reveal a variable of a {what}",
        operation_id=f"reveal_{what}_variable",
    )
    def reveal(request: HttpRequest, key: Key, name: Name, tier: OfTier = Tier.TRUSTED) -> RevealedAnswer:
        """It takes the role admin, and is in the audit log."""
        row = setting.reveal(find(request, key, Action.MANAGE_VARIABLES), name, tier, by=actor(request))
        return RevealedAnswer(name=row.name, value=row.value)

    @router.post(
        base,
        response={200: ChangedAnswer, **PROBLEMS},
        summary=f"Set the variables of a .env file for a {what}",
        operation_id=f"import_{what}_variables",
    )
    def take(request: HttpRequest, key: Key, wanted: FileWanted) -> ChangedAnswer:
        """It takes the role admin. One line that is wrong refuses the file."""
        scope = find(request, key, Action.MANAGE_VARIABLES)
        entries = of_dotenv(wanted.text, secret=wanted.secret, tier=wanted.tier)
        return ChangedAnswer(changed=setting.put(scope, entries, by=actor(request)))

    @router.post(
        f"/{place}/{{key}}/redeploy",
        response={200: RedeployedAnswer, **PROBLEMS},
        summary=f"Deploy the previews of a {what} again that run with what was set before",
        operation_id=f"redeploy_{what}_variables",
    )
    def again(request: HttpRequest, key: Key) -> RedeployedAnswer:
        """It takes the role admin."""
        return RedeployedAnswer(
            previews=redeploy(find(request, key, Action.MANAGE_VARIABLES), by=actor(request))
        )


for add in (operations, further):
    add("projects", "project", of_project, "Id of a project.")
    add("workspaces", "workspace", of_workspace, "Slug of a workspace.")


def _answer(scope: Scope) -> VariablesAnswer:
    variables = [
        VariableAnswer(
            name=one.row.name,
            tier=one.row.tier,
            secret=one.row.secret,
            builds=one.row.builds,
            value=one.value,
            inherited=one.inherited,
            overridden=one.overridden,
            masked=one.row.secret and not one.unmasked,
            by=one.row.by,
            created_at=one.row.created_at,
        )
        for one in shown(scope)
    ]
    return VariablesAnswer(variables=variables, behind=len(behind(scope)))
