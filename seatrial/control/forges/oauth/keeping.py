"""Gets the tokens of an authorization, tries them, and keeps the connection that acts by them."""

import secrets
from datetime import datetime
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.forges import accounts, hooks
from seatrial.control.forges.connecting import connect, tried
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.oauth import endpoint, withdrawing
from seatrial.control.forges.oauth.endpoint import Refused, Tokens
from seatrial.control.forges.oauth.host import OAuthHost, redirect_uri
from seatrial.control.forges.oauth.models import Authorization, AuthorizationRequest
from seatrial.control.forges.oauth.pair import OAuthPair, application, pair_of
from seatrial.control.forges.oauth.problems import another_account, no_tokens
from seatrial.control.forges.oauth.renewing import after
from seatrial.control.forges.protocol import ForgeAccount
from seatrial.control.projects.models import Connection


def finished(host: OAuthHost, row: AuthorizationRequest, code: str, *, by: Actor) -> Connection:
    """The connection, which acts by what `code` gives. No transaction is open.

    What the forge gave is withdrawn when the connection is not kept, and what the connection had before, when it is. Raises
    NotAuthorized, UnfitConnection, ForgeError.
    """
    pair = _exchanged(host, row, code)
    try:
        account = tried(row.workspace, row.forge, row.base_url, pair.stored(), hint=host.registering)
        _require_same(host, row, account)
        former, connection = _kept(host, row, pair, account, by)
    except ForgeError:
        withdrawing.forget(host, row.forge, row.base_url, pair)
        raise
    if former is not None and former.access_token != pair.access_token:
        withdrawing.forget(host, row.forge, row.base_url, former)
    return connection


def _exchanged(host: OAuthHost, row: AuthorizationRequest, code: str) -> OAuthPair:
    client_id, client_secret = application(row.forge, row.base_url, row.client_id, str(row.client_secret))
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri(),
        "client_id": client_id,
        "client_secret": client_secret,
        "code_verifier": str(row.verifier),
    }
    try:
        answer = endpoint.tokens(host, row.base_url, form)
    except Refused as error:
        raise no_tokens(host, row, error) from error
    return _pair(host, row, answer, timezone.now())


def _pair(host: OAuthHost, row: AuthorizationRequest, answer: Tokens, now: datetime) -> OAuthPair:
    """A forge that does not say which scopes it gave has given those that were asked for."""
    empty = OAuthPair(
        client_id=row.client_id,
        client_secret=str(row.client_secret),
        access_token="",
        refresh_token="",
        scopes=tuple(host.scopes),
        obtained_at=now,
        expires_at=None,
    )
    return after(empty, answer, now)


def _require_same(host: OAuthHost, row: AuthorizationRequest, account: ForgeAccount) -> None:
    known = getattr(row.connection, "account", None)
    if known is not None and known.login and known.login != account.login:
        raise another_account(host, account.login, known.login)


@transaction.atomic
def _kept(
    host: OAuthHost, row: AuthorizationRequest, pair: OAuthPair, account: ForgeAccount, by: Actor
) -> tuple[OAuthPair | None, Connection]:
    """The connection, and the pair that it had before."""
    name = row.name or f"{account.login} at {urlsplit(row.base_url).netloc}"
    if row.connection is not None:
        name = Connection.objects.get(pk=row.connection.pk).name  # somebody may have renamed it meanwhile
    there = Connection.objects.select_for_update(no_key=True)
    known = there.filter(workspace=row.workspace, forge=row.forge, name=name).first()
    there_already = known is not None and host.root(known.base_url) == row.base_url
    former = pair_of(str(known.credential)) if known is not None and there_already else None
    connection = connect(
        row.workspace,
        row.forge,
        name,
        base_url=row.base_url,
        credential=pair.stored(),
        webhook_secret=secrets.token_urlsafe(32),
        by=by,
    )
    now = timezone.now()
    Authorization.objects.update_or_create(
        connection=connection,
        defaults={
            "client_id": row.client_id,
            "by": str(by)[:200],
            "at": now,
            "asked_at": None,
            "problem": "",
            "problem_at": None,
            "ended": False,
        },
    )
    accounts.keep(connection, account)
    hooks.ask_all(connection)  # one that could not be registered may be now
    AuthorizationRequest.objects.filter(pk=row.pk).update(authorized_at=now, connection=connection)
    details = {"name": connection.name, "account": account.login, "address": connection.base_url}
    audit.record(
        "connection.authorize",
        f"connection/{connection.pk}",
        by=by,
        workspace=row.workspace_id,
        details=details,
    )
    return former, connection
