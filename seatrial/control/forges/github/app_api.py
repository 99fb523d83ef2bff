"""REST: connections by a GitHub App whose credentials somebody has."""

from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Path, Router, Schema

from seatrial.control.accounts.access import Action, find_allowed, require, workspace_named
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.forges.account_answers import AccountAnswer, of_account
from seatrial.control.forges.github import joining
from seatrial.control.projects.models import Connection

router = Router(tags=["connections"])
ConnectionId = Annotated[str, Path(description="Id of the connection.")]
PROBLEMS = {400: ErrorAnswer, 403: ErrorAnswer, 404: ErrorAnswer}


class AppAsked(Schema):
    """A GitHub App that exists. A connection of the same name gets its credential."""

    app_id: int = Field(description="The App's number at GitHub.", gt=0, lt=2**63)
    private_key: str = Field(
        description="The whole .pem file that GitHub gave. It is stored encrypted and never shown again.",
        max_length=20_000,
    )
    webhook_secret: str = Field(
        "", description="The App's webhook secret; empty: one is made, and GitHub learns it.", max_length=500
    )
    base_url: str = Field("", description="GitHub's address; empty for github.com.", max_length=500)
    name: str = Field("", description="What to call it; empty: the App's name at GitHub.", max_length=200)
    workspace: str = Field("", description="Slug of the workspace it is for; only for people in several.")


class KeyAsked(Schema):
    """Another private key of the same App."""

    private_key: str = Field(
        description="The whole .pem file. It is tried before it replaces the one that is stored.",
        max_length=20_000,
    )


class AppConnectedAnswer(Schema):
    """A connection by an App that was just tried."""

    id: str = Field(description="Its id.")
    forge: str = Field(description="The kind of the code host: github.")
    name: str = Field(description="What it is called.")
    base_url: str = Field(description="GitHub's address.")
    workspace: str = Field(description="Slug of its workspace.")
    account: AccountAnswer = Field(description="Whom it acts as.")


@router.post("/apps", response={200: AppConnectedAnswer, **PROBLEMS}, summary="Connect a GitHub App")
def connect_app(request: HttpRequest, asked: AppAsked) -> AppConnectedAnswer:
    """The key is tried at GitHub first. If it is refused, or the App lacks a permission, nothing is stored."""
    workspace = workspace_named(person(request), asked.workspace)
    require(person(request), Action.MANAGE_CONNECTIONS, workspace)
    connection, account = joining.connect_app(
        workspace,
        app_id=asked.app_id,
        pasted_key=asked.private_key,
        webhook_secret=asked.webhook_secret,
        base_url=asked.base_url,
        name=asked.name,
        by=actor(request),
    )
    return AppConnectedAnswer(
        id=connection.pk,
        forge=connection.forge,
        name=connection.name,
        base_url=connection.base_url,
        workspace=connection.workspace.slug,
        account=of_account(account),
    )


@router.post(
    "/apps/{connection}/private-key",
    response={200: AccountAnswer, **PROBLEMS},
    summary="Replace a GitHub App's private key",
)
def replace_key(request: HttpRequest, asked: KeyAsked, connection: ConnectionId) -> AccountAnswer:
    """The new key is tried first. If GitHub refuses it, the stored one stays."""
    row = find_allowed(person(request), Action.MANAGE_CONNECTIONS, Connection, connection, "workspace")
    return of_account(joining.replace_key(row, asked.private_key, by=actor(request)))
