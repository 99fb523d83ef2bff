"""Makes connections. It is here because only this app knows which kinds of forge there are."""

import secrets
from urllib.parse import urlsplit

from django.db import transaction

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM, Actor
from seatrial.control.forges import accounts, hooks
from seatrial.control.forges.addresses import address
from seatrial.control.forges.connected import hosted
from seatrial.control.forges.errors import UnfitConnection
from seatrial.control.forges.oauth import withdrawing
from seatrial.control.forges.oauth.models import Authorization
from seatrial.control.forges.oauth.pair import is_pair, pair_of
from seatrial.control.forges.protocol import ForgeAccount
from seatrial.control.forges.registration import Hosting
from seatrial.control.forges.registry import registered
from seatrial.control.projects.models import Connection
from seatrial.control.projects.services import ensure_connection
from seatrial.control.vault.errors import VaultError

MOST_OF_A_NAME = 200


def connect(
    workspace: Workspace,
    kind: str,
    name: str,
    *,
    webhook_secret: str,
    base_url: str = "",
    credential: str = "",
    by: Actor = SYSTEM,
) -> Connection:
    """`projects.services.ensure_connection`, for a kind of forge that is registered. Raises NoSuchForge."""
    return ensure_connection(
        workspace,
        registered(kind).kind,
        name,
        webhook_secret=webhook_secret,
        base_url=base_url,
        credential=credential,
        by=by,
    )


def connect_hosted(
    workspace: Workspace, kind: str, name: str, *, base_url: str, credential: str, by: Actor
) -> tuple[Connection, ForgeAccount]:
    """Try `credential` at the forge, and keep the connection if it is accepted; also whom it acts as.

    A connection of this name gets the new credential. Its webhook secret is made here, and kept. Called with no
    transaction open. Raises NoSuchForge, UnfitConnection, and ForgeError when the forge refuses or does not answer.
    """
    hosting = registered(kind).hosting
    if hosting is None:
        raise UnfitConnection(f"Forges of the kind {kind} are not connected to: they are on this server.")
    there = address(base_url or hosting.base_url)
    account = tried(workspace, kind, there, _pasted(credential, hosting), hint=hosting.credential)
    named = name.strip() or f"{account.login} at {urlsplit(there).netloc}"
    former = Connection.objects.filter(workspace=workspace, forge=kind, name=named).first()
    with transaction.atomic():
        connection = connect(
            workspace,
            kind,
            named,
            base_url=there,
            credential=credential.strip(),
            webhook_secret=secrets.token_urlsafe(32),
            by=by,
        )
        accounts.keep(connection, account)
        Authorization.objects.filter(connection=connection).delete()
    _forget(former, hosting)
    return connection, account


def replace_credential(connection: Connection, credential: str, *, by: Actor) -> ForgeAccount:
    """Try `credential` at the connection's forge, and keep it in place of the present one if it is accepted.

    Whom it acts as may change with it. Called with no transaction open. Raises what `connect_hosted` raises.
    """
    hosting = registered(connection.forge).hosting
    if hosting is None:
        raise UnfitConnection(f"{connection} needs no credential: it is on this server.")
    token = _pasted(credential, hosting)
    account = tried(
        connection.workspace, connection.forge, connection.base_url, token, hint=hosting.credential
    )
    with transaction.atomic():
        row = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        former = Connection.objects.get(pk=connection.pk)
        row.credential = token
        row.save(update_fields=["credential"])
        audit.record(
            "connection.replace_credential",
            f"connection/{row.pk}",
            by=by,
            workspace=row.workspace_id,
            details={"name": row.name, "account": account.login},
        )
        accounts.keep(row, account)
        Authorization.objects.filter(connection=row).delete()
        hooks.ask_all(row)  # one that could not be registered may be now
    _forget(former, hosting)
    connection.refresh_from_db(fields=["credential"])
    return account


def rename(connection: Connection, name: str, *, by: Actor) -> None:
    """Call the connection `name`. Idempotent. Raises UnfitConnection when another one of its kind is called that."""
    name = name.strip()
    if not name or len(name) > MOST_OF_A_NAME:
        raise UnfitConnection(f"A connection's name has 1 to {MOST_OF_A_NAME} characters.")
    with transaction.atomic():
        row = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        same = Connection.objects.filter(workspace=row.workspace_id, forge=row.forge, name=name)
        if same.exclude(pk=row.pk).exists():
            raise UnfitConnection(f"Another connection is called {name}.")
        before, row.name = row.name, name
        if before != name:
            row.save(update_fields=["name"])
            audit.record(
                "connection.rename",
                f"connection/{row.pk}",
                by=by,
                workspace=row.workspace_id,
                details={"name": name, "before": before},
            )
    connection.refresh_from_db(fields=["name"])


def tried(workspace: Workspace, kind: str, base_url: str, credential: str, *, hint: str) -> ForgeAccount:
    """Whom `credential` belongs to, as the forge says. Nothing is stored. `hint`: what it must be like.

    Raises UnfitConnection when it lacks something, and ForgeError when the forge refuses or does not answer.
    """
    row = Connection(workspace=workspace, forge=kind, base_url=base_url, credential=credential)
    account = hosted(registered(kind).bind(row), row).account()
    if account.missing:
        raise UnfitConnection(f"The credential of {account.login} lacks {', '.join(account.missing)}. {hint}")
    return account


def _pasted(credential: str, hosting: Hosting) -> str:
    """A token that somebody entered. What only an authorization gives has an application's secret in it."""
    token = credential.strip()
    if not token:
        raise UnfitConnection(f"A credential is missing. {hosting.credential}")
    if hosting.oauth is not None and is_pair(token):
        raise UnfitConnection(f"This is no token. {hosting.credential}")
    return token


def _forget(former: Connection | None, hosting: Hosting) -> None:
    """Withdraw the authorization that a token has taken the place of."""
    if former is None or hosting.oauth is None:
        return
    try:
        pair = pair_of(str(former.credential))
    except VaultError:  # the key that sealed it is lost
        return
    if pair is not None:
        withdrawing.forget(hosting.oauth, former.forge, former.base_url, pair)
