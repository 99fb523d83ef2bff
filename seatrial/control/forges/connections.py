"""REST: connections to code hosts, and the repositories that are chosen there."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema

from seatrial.control.accounts.access import (
    Action,
    find_allowed,
    find_visible,
    require,
    visible,
    workspace_named,
)
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.errors import NotFound
from seatrial.control.forges import accounts, choosing, hooks
from seatrial.control.forges.account_answers import AccountAnswer, of_account
from seatrial.control.forges.api import ConnectionId
from seatrial.control.forges.connected import OF_WEB
from seatrial.control.forges.connecting import connect_hosted, rename, replace_credential
from seatrial.control.forges.connection_answers import (
    ConnectionAnswer,
    RotatedAnswer,
    answers,
    previous_until,
)
from seatrial.control.forges.deliveries.api import WebhookTestAnswer, try_webhook
from seatrial.control.forges.protocol import ForgeAccount
from seatrial.control.forges.registry import registered
from seatrial.control.listing import MOST, Cursor, Limit, page
from seatrial.control.projects.models import Connection, Project

router = Router(tags=["connections"])

Search = Annotated[str, Query(description="Only repositories whose full name contains this, in any case.")]
OfProject = Annotated[
    str, Query(description="Id of the project whose webhook is tested; empty: any of the connection.")
]
PROBLEMS = {400: ErrorAnswer, 403: ErrorAnswer, 404: ErrorAnswer}


class ConnectionAsked(Schema):
    """What it takes to connect a forge. A connection of the same name gets the new credential."""

    forge: str = Field(description="The kind of the code host, such as github.")
    credential: str = Field(
        description="The token that the forge made. It is stored encrypted and never shown again."
    )
    base_url: str = Field("", description="The forge's address; empty for the kind's usual one.")
    name: str = Field("", description="What to call it; empty: the account's name at the host.")
    workspace: str = Field("", description="Slug of the workspace it is for; only for people in several.")


class ConnectionChange(Schema):
    """What to change about a connection; what is left out stays."""

    name: str | None = Field(None, description="What to call it.")
    credential: str | None = Field(
        None, description="The credential to act with from now on. It is tried first, and never shown again."
    )


class TestedAnswer(AccountAnswer):
    """Whom a connection acts as, and whether its webhook comes."""

    webhook: WebhookTestAnswer = Field(description="What came of the test of its webhook.")


class RepositoryAnswer(Schema):
    """A repository that a connection reaches."""

    full_name: str = Field(description="Its owner and its name.")
    web_url: str = Field(description="Its page at the forge.")
    default_branch: str = Field(description="The branch that others are merged into.")
    private: bool = Field(description="Whether only some may see it.")
    manageable: bool = Field(description="Whether the credential may register webhooks there.")
    project: str = Field(description="Id of the project that it already is; empty otherwise.")


class RepositoriesAsked(Schema):
    """Repositories to put under trial."""

    repositories: list[str] = Field(
        description="Their full names, such as acme/shop.", min_length=1, max_length=100
    )


class ChosenProject(Schema):
    """A repository that is under trial now."""

    id: str = Field(description="The project's id.")
    slug: str = Field(description="Its name in addresses.")
    full_name: str = Field(description="The repository's owner and name.")


class RefusedRepository(Schema):
    """A repository that could not be had."""

    full_name: str = Field(description="What was asked for.")
    why: str = Field(description="Why, for people.")


class ChosenAnswer(Schema):
    """What became of the repositories that were asked for. Their webhooks are registered within seconds."""

    projects: list[ChosenProject] = Field(description="Those that are under trial now.")
    refused: list[RefusedRepository] = Field(description="Those that are not, and why.")


@router.get("/connections", response=list[ConnectionAnswer], summary="List connections")
def list_connections(
    request: HttpRequest, response: HttpResponse, limit: Limit = MOST, cursor: Cursor = ""
) -> list[ConnectionAnswer]:
    """The connections that you may manage, oldest first."""
    rows = visible(person(request), Connection).select_related("workspace").prefetch_related("budgets")
    return answers(list(page(rows, request, response, by=("id",), limit=limit, cursor=cursor)))


@router.post("/connections", response={200: ConnectionAnswer, **PROBLEMS}, summary="Connect a forge")
def make_connection(request: HttpRequest, asked: ConnectionAsked) -> ConnectionAnswer:
    """The credential is tried at the forge first. If it is refused, nothing is stored."""
    workspace = workspace_named(person(request), asked.workspace)
    require(person(request), Action.MANAGE_CONNECTIONS, workspace)
    connection, _ = connect_hosted(
        workspace,
        asked.forge,
        asked.name,
        base_url=asked.base_url,
        credential=asked.credential,
        by=actor(request),
    )
    return answers([connection])[0]


@router.get(
    "/connections/{connection}", response={200: ConnectionAnswer, 404: ErrorAnswer}, summary="One connection"
)
def get_connection(request: HttpRequest, connection: ConnectionId) -> ConnectionAnswer:
    """With what its forge last said about its account. The forge is not asked."""
    return answers([find_visible(person(request), Connection, connection, "workspace")])[0]


@router.patch(
    "/connections/{connection}", response={200: ConnectionAnswer, **PROBLEMS}, summary="Change a connection"
)
def change_connection(
    request: HttpRequest, connection: ConnectionId, change: ConnectionChange
) -> ConnectionAnswer:
    """A new credential is tried at the forge first. If it is refused, nothing changes."""
    row = find_allowed(person(request), Action.MANAGE_CONNECTIONS, Connection, connection, "workspace")
    if change.credential is not None:
        replace_credential(row, change.credential, by=actor(request))
    if change.name is not None:
        rename(row, change.name, by=actor(request))
    return answers([row])[0]


@router.post(
    "/connections/{connection}/rotate-webhook-secret",
    response={200: RotatedAnswer, **PROBLEMS},
    summary="Rotate the webhook secret",
)
def rotate_webhook_secret(
    request: HttpRequest, response: HttpResponse, connection: ConnectionId
) -> RotatedAnswer:
    """Webhooks that Seatrial registered learn the new one within seconds; the old one stays valid for 24 hours."""
    row = find_allowed(person(request), Action.MANAGE_CONNECTIONS, Connection, connection)
    secret = hooks.rotate_secret(row, by=actor(request))
    response["Cache-Control"] = "no-store"
    return RotatedAnswer(secret=secret, previous_secret_until=previous_until(row))


@router.post(
    "/connections/{connection}/test", response={200: TestedAnswer, **PROBLEMS}, summary="Try a connection"
)
def test_connection(request: HttpRequest, connection: ConnectionId, project: OfProject = "") -> TestedAnswer:
    """Ask the forge whom the connection acts as, have it send a test of the webhook, and wait for that for ten seconds."""
    row = find_allowed(person(request), Action.MANAGE_CONNECTIONS, Connection, connection)
    chosen = find_visible(person(request), Project, project) if project else None
    if chosen is not None and chosen.connection_id != row.pk:
        raise NotFound(f"The connection has no project {project}.")
    hosted = registered(row.forge).hosting is not None
    account = accounts.look(OF_WEB, row) if hosted else ForgeAccount(login="")
    return TestedAnswer(**of_account(account).dict(), webhook=try_webhook(row, chosen, by=actor(request)))


@router.get(
    "/connections/{connection}/repositories",
    response={200: list[RepositoryAnswer], **PROBLEMS},
    summary="List the repositories that a connection reaches",
)
def list_repositories(
    request: HttpRequest, connection: ConnectionId, search: Search = ""
) -> list[RepositoryAnswer]:
    """At most 500, as the forge lists them, without archived ones."""
    row = find_allowed(person(request), Action.MANAGE_PROJECTS, Connection, connection)
    return [
        RepositoryAnswer(
            full_name=one.repository.full_name,
            web_url=one.repository.web_url,
            default_branch=one.repository.default_branch,
            private=one.repository.private,
            manageable=one.repository.manageable,
            project=one.project.pk if one.project is not None else "",
        )
        for one in choosing.choices(OF_WEB, row, search)
    ]


@router.post(
    "/connections/{connection}/projects",
    response={200: ChosenAnswer, **PROBLEMS},
    summary="Put repositories under trial",
)
def choose_repositories(
    request: HttpRequest, connection: ConnectionId, asked: RepositoriesAsked
) -> ChosenAnswer:
    """Idempotent. One that cannot be had does not stop the others."""
    row = find_allowed(person(request), Action.MANAGE_PROJECTS, Connection, connection)
    made, refused = choosing.choose(OF_WEB, row, asked.repositories, by=actor(request))
    return ChosenAnswer(
        projects=[ChosenProject(id=one.pk, slug=one.slug, full_name=one.full_name) for one in made],
        refused=[RefusedRepository(full_name=one.full_name, why=one.why) for one in refused],
    )
