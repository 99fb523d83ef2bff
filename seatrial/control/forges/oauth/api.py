"""REST: have somebody authorize this server at a code host, in a browser, and see what became of it."""

from datetime import datetime
from typing import Annotated

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from ninja import Field, Path, Router, Schema

from seatrial.control.accounts.access import Action, find_allowed, require, workspace_named
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.forges.oauth import authorizing
from seatrial.control.forges.oauth.host import redirect_uri
from seatrial.control.forges.oauth.models import Authorization, AuthorizationRequest
from seatrial.control.projects.models import Connection

router = Router(tags=["connections"])

RequestId = Annotated[str, Path(description="Id of the request for an authorization.")]
PROBLEMS = {400: ErrorAnswer, 403: ErrorAnswer, 404: ErrorAnswer}


class AuthorizationAsked(Schema):
    """What it takes to have somebody authorize this server. It is for GitLab, Gitea and Forgejo."""

    forge: str = Field("", description="The kind of the code host, such as gitlab; empty with a connection.")
    client_id: str = Field(
        "",
        max_length=500,
        description="Id of the application at the code host. Empty: with a connection that is authorized, the same one; else the one "
        "that people sign in with, which the settings name.",
    )
    client_secret: str = Field(
        "",
        max_length=500,
        description="Its secret. It is stored encrypted and never shown again. Empty with a connection: it stays as it is.",
    )
    base_url: str = Field(
        "",
        max_length=500,
        description="The code host's address; empty for the kind's usual one, or that of sign-in.",
    )
    name: str = Field(
        "", max_length=200, description="What to call the connection; empty: the account's name."
    )
    connection: str = Field(
        "", description="Id of the connection to authorize again; empty: it is a new one."
    )
    workspace: str = Field("", description="Slug of the workspace it is for; only for people in several.")


class AuthorizationAnswer(Schema):
    """A request for an authorization."""

    id: str = Field(description="Its id.")
    state: str = Field(description="waiting, authorized, refused, or expired.")
    open: str = Field(description="The address that somebody who may connect code hosts opens in a browser.")
    redirect_uri: str = Field(description="The redirect URI that the application must name, exactly.")
    scopes: list[str] = Field(description="What the code host is asked to allow.")
    until: datetime = Field(description="When it expires.")
    problem: str = Field(description="Why it was refused, and what to do; empty otherwise.")
    connection: str = Field(description="Id of the connection that acts by it; empty before there is one.")


@router.post(
    "/authorizations", response={200: AuthorizationAnswer, **PROBLEMS}, summary="Ask for an authorization"
)
def ask_for_authorization(request: HttpRequest, asked: AuthorizationAsked) -> AuthorizationAnswer:
    """Somebody opens `open` in a browser within an hour, and says yes at the code host. Nothing changes before."""
    user = person(request)
    if asked.connection:
        known = find_allowed(user, Action.MANAGE_CONNECTIONS, Connection, asked.connection, "workspace")
        workspace = known.workspace
        of_today = Authorization.objects.filter(pk=known.pk).first()
        asked.client_id = asked.client_id or (of_today.client_id if of_today is not None else "")
    else:
        known = None
        workspace = workspace_named(user, asked.workspace)
        require(user, Action.MANAGE_CONNECTIONS, workspace)
    row = authorizing.ask(
        workspace,
        known.forge if known is not None else asked.forge,
        client_id=asked.client_id,
        client_secret=asked.client_secret,
        base_url=asked.base_url,
        name=asked.name,
        connection=known,
        by=actor(request),
    )
    return _answer(row)


@router.get(
    "/authorizations/{authorization}",
    response={200: AuthorizationAnswer, **PROBLEMS},
    summary="What became of an authorization",
)
def get_authorization(request: HttpRequest, authorization: RequestId) -> AuthorizationAnswer:
    """Kept for a day after it expires."""
    row = find_allowed(person(request), Action.MANAGE_CONNECTIONS, AuthorizationRequest, authorization)
    return _answer(row)


def _answer(row: AuthorizationRequest) -> AuthorizationAnswer:
    return AuthorizationAnswer(
        id=row.pk,
        state=row.outcome.value,
        open=f"{settings.SITE_URL}{reverse('connections:authorization', args=[row.pk])}",
        redirect_uri=redirect_uri(),
        scopes=list(authorizing.host_of(row.forge).scopes),
        until=row.until,
        problem=row.problem,
        connection=row.connection_id if row.authorized_at is not None and row.connection_id else "",
    )
