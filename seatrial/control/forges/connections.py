"""REST: connections to code hosts, and the repositories that are chosen there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema

from seatrial.control.accounts.access import Action, find_visible, require, visible, workspace_named
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.forges import choosing, hooks
from seatrial.control.forges.api import ConnectionId
from seatrial.control.forges.budget_answers import BudgetAnswer, budget
from seatrial.control.forges.connected import OF_WEB
from seatrial.control.forges.connecting import connect_hosted
from seatrial.control.forges.protocol import ForgeAccount
from seatrial.control.listing import MOST, Cursor, Limit, page
from seatrial.control.projects.models import Connection, Project

router = Router(tags=["connections"])

Search = Annotated[str, Query(description="Only repositories whose full name contains this, in any case.")]
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


class ConnectionAnswer(Schema):
    """A connection."""

    id: str = Field(description="Its id.")
    forge: str = Field(description="The kind of the code host.")
    name: str = Field(description="What it is called.")
    base_url: str = Field(description="The forge's address; empty for one on this server.")
    workspace: str = Field(description="Slug of its workspace.")
    projects: int = Field(description="How many repositories are under trial through it.")
    webhook_url: str = Field(description="Where the forge is to send webhooks.")
    webhook_secret: bool = Field(
        description="Whether a secret is stored that webhooks are to be signed with."
    )
    budget: BudgetAnswer = Field(description="How many more requests the forge accepts from it.")
    created_at: datetime = Field(description="When it was made.")


class AccountAnswer(Schema):
    """Whom a connection acts as."""

    login: str = Field(description="The account's name at the forge.")
    missing: list[str] = Field(description="What the credential would need and lacks, for people.")
    expires_at: datetime | None = Field(
        description="When the credential ends; null: never, or it is not known."
    )


class ConnectedAnswer(ConnectionAnswer):
    """A connection that was just tried."""

    account: AccountAnswer = Field(description="Whom it acts as.")


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
    rows = visible(person(request), Connection).select_related("workspace", "budget")
    return _answers(list(page(rows, request, response, by=("id",), limit=limit, cursor=cursor)))


@router.post("/connections", response={200: ConnectedAnswer, **PROBLEMS}, summary="Connect a forge")
def make_connection(request: HttpRequest, asked: ConnectionAsked) -> ConnectedAnswer:
    """The credential is tried at the forge first. If it is refused, nothing is stored."""
    workspace = workspace_named(person(request), asked.workspace)
    require(person(request), Action.MANAGE_CONNECTIONS, workspace)
    connection, account = connect_hosted(
        workspace,
        asked.forge,
        asked.name,
        base_url=asked.base_url,
        credential=asked.credential,
        by=actor(request),
    )
    return ConnectedAnswer(
        **_answers([connection])[0].dict(),
        account=_account(account),
    )


@router.post(
    "/connections/{connection}/test", response={200: AccountAnswer, **PROBLEMS}, summary="Try a connection"
)
def test_connection(request: HttpRequest, connection: ConnectionId) -> AccountAnswer:
    """Ask the forge whom the connection acts as."""
    row = _manageable(request, connection, Action.MANAGE_CONNECTIONS)
    return _account(OF_WEB.hosted(row).account())


@router.get(
    "/connections/{connection}/repositories",
    response={200: list[RepositoryAnswer], **PROBLEMS},
    summary="List the repositories that a connection reaches",
)
def list_repositories(
    request: HttpRequest, connection: ConnectionId, search: Search = ""
) -> list[RepositoryAnswer]:
    """At most 500, as the forge lists them, without archived ones."""
    row = _manageable(request, connection, Action.MANAGE_PROJECTS)
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
    row = _manageable(request, connection, Action.MANAGE_PROJECTS)
    made, refused = choosing.choose(OF_WEB, row, asked.repositories, by=actor(request))
    return ChosenAnswer(
        projects=[ChosenProject(id=one.pk, slug=one.slug, full_name=one.full_name) for one in made],
        refused=[RefusedRepository(full_name=one.full_name, why=one.why) for one in refused],
    )


def _manageable(request: HttpRequest, connection: str, action: Action) -> Connection:
    row = find_visible(person(request), Connection, connection)
    require(person(request), action, row)
    return row


def _account(account: ForgeAccount) -> AccountAnswer:
    return AccountAnswer(login=account.login, missing=list(account.missing), expires_at=account.expires_at)


def _answers(rows: Sequence[Connection]) -> list[ConnectionAnswer]:
    active = Project.objects.filter(connection__in=rows, archived_at=None).values_list("connection_id")
    projects = dict(active.annotate(count=Count("pk")))
    return [
        ConnectionAnswer(
            id=row.pk,
            forge=row.forge,
            name=row.name,
            base_url=row.base_url,
            workspace=row.workspace.slug,
            projects=projects.get(row.pk, 0),
            webhook_url=hooks.address(row),
            webhook_secret=row.has_webhook_secret,
            budget=budget(row),
            created_at=row.created_at,
        )
        for row in rows
    ]
