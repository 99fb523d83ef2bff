"""Connects a GitHub App: one whose credentials were pasted, or one that GitHub makes of our manifest."""

import hmac
import secrets
from collections.abc import MutableMapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit.actors import Actor
from seatrial.control.forges.addresses import address
from seatrial.control.forges.errors import UnfitConnection
from seatrial.control.forges.github import KIND
from seatrial.control.forges.github.answers import ConversionAnswer
from seatrial.control.forges.github.app import GitHubApp, app_of, private_key
from seatrial.control.forges.github.app_forge import GitHubAppForge
from seatrial.control.forges.protocol import ForgeAccount
from seatrial.control.projects.models import Connection
from seatrial.control.projects.services import ensure_connection, replace_credential
from seatrial.wire.envelope import new_id

GITHUB_COM = "https://github.com"
KEPT = "github_app"  # in the session
# GitHub's code is valid for an hour.
VALID = timedelta(hours=1)


@dataclass(frozen=True)
class Begun:
    """An App that somebody went to create at GitHub. `connection` is the id that its connection will have."""

    state: str
    workspace: str
    connection: str
    base_url: str
    name: str
    until: float


def connect_app(
    workspace: Workspace,
    *,
    app_id: int,
    pasted_key: str,
    webhook_secret: str = "",
    base_url: str = "",
    name: str = "",
    by: Actor,
) -> tuple[Connection, ForgeAccount]:
    """Try the App at GitHub, and keep its connection if it is accepted and lacks nothing.

    A connection of this name gets this credential. Without a webhook secret one is made; GitHub learns it when the first
    repository is chosen. Called with no transaction open. Raises UnfitConnection, and ForgeError when GitHub refuses or
    does not answer.
    """
    there = address(base_url or GITHUB_COM)
    app = GitHubApp(app_id=app_id, slug="", private_key=private_key(pasted_key))
    app, account = _tried(workspace, there, app)
    connection = ensure_connection(
        workspace,
        KIND,
        name.strip() or _named(app.slug, there),
        webhook_secret=webhook_secret.strip() or secrets.token_urlsafe(32),
        base_url=there,
        credential=app.stored(),
        by=by,
    )
    return connection, account


def replace_key(connection: Connection, pasted_key: str, *, by: Actor) -> ForgeAccount:
    """Sign in with another private key of the same App, once GitHub has accepted it.

    Called with no transaction open. Raises UnfitConnection, and ForgeError when GitHub refuses or does not answer.
    """
    known = app_of(str(connection.credential)) if connection.forge == KIND else None
    if known is None:
        raise UnfitConnection(f"{connection} is no GitHub App: it has no private key.")
    tried = known.model_copy(update={"private_key": private_key(pasted_key)})
    app, account = _tried(connection.workspace, connection.base_url, tried)
    replace_credential(connection, app.stored(), by=by)
    return account


def begin(
    session: MutableMapping[str, Any], workspace: Workspace, *, base_url: str = "", name: str = ""
) -> Begun:
    """Remember in the session that an App is being created. Only the last one that was begun can be finished."""
    named = name.strip()
    known = Connection.objects.filter(workspace=workspace, forge=KIND, name=named).first() if named else None
    begun = Begun(
        state=secrets.token_urlsafe(32),
        workspace=workspace.pk,
        connection=known.pk if known is not None else new_id(),
        base_url=address(base_url or GITHUB_COM),
        name=named,
        until=(timezone.now() + VALID).timestamp(),
    )
    session[KEPT] = asdict(begun)
    return begun


def taken(session: MutableMapping[str, Any], state: str) -> Begun:
    """What was begun in this session with this state, which is forgotten. Raises UnfitConnection."""
    kept = session.pop(KEPT, None)
    begun = Begun(**kept) if kept else None
    if (
        begun is None
        or not hmac.compare_digest(begun.state.encode(), state.encode())
        or begun.until < timezone.now().timestamp()
    ):
        raise UnfitConnection(
            "This was not begun here, or more than an hour ago, or it is finished already. Create the App again."
        )
    return begun


def finish(workspace: Workspace, begun: Begun, made: ConversionAnswer, *, by: Actor) -> Connection:
    """Keep the connection of an App that GitHub made."""
    app = GitHubApp(app_id=made.id, slug=made.slug, private_key=private_key(made.pem))
    return ensure_connection(
        workspace,
        KIND,
        begun.name or _named(app.slug, begun.base_url),
        webhook_secret=made.webhook_secret or secrets.token_urlsafe(32),
        base_url=begun.base_url,
        credential=app.stored(),
        identity=begun.connection,
        by=by,
    )


def _tried(workspace: Workspace, base_url: str, app: GitHubApp) -> tuple[GitHubApp, ForgeAccount]:
    tried = Connection(workspace=workspace, forge=KIND, base_url=base_url, credential=app.stored())
    account = GitHubAppForge(tried).account()
    if account.missing:
        raise UnfitConnection(
            f"The App {account.login} lacks {', '.join(account.missing)}. Change that in its settings at GitHub, under "
            "Permissions & events."
        )
    return app.model_copy(update={"slug": account.login.removesuffix("[bot]")}), account


def _named(slug: str, base_url: str) -> str:
    return f"{slug} at {urlsplit(base_url).netloc}"
