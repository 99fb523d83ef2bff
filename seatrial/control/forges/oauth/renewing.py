"""Renews the tokens of connections by OAuth.

A refresh token is good for one request, and the answer is the only place where the next one is, until it is stored: whoever
dies in between has lost both. So the attempt is noted first. Whoever comes next asks again with the tokens that are
stored: if the forge gives new ones, nothing was lost; if it refuses, somebody has to authorize again, and is told so.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import connection as database
from django.db import transaction

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM
from seatrial.control.database_errors import AWAY
from seatrial.control.forges.errors import AuthorizeAgain, ForgeError
from seatrial.control.forges.oauth import endpoint
from seatrial.control.forges.oauth.alone import alone
from seatrial.control.forges.oauth.endpoint import Refused, Said, Tokens
from seatrial.control.forges.oauth.host import OAuthHost, redirect_uri
from seatrial.control.forges.oauth.models import Authorization
from seatrial.control.forges.oauth.pair import OAuthPair, application, pair_of
from seatrial.control.projects.models import Connection

log = structlog.get_logger(__name__)

AGAIN = timedelta(minutes=1)  # after a refusal that may pass, the forge is not asked before this
STORE_SECONDS = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)  # a database that is away may come back
ENDED = frozenset({Said.INVALID_GRANT, Said.UNAUTHORIZED_CLIENT})

Sleep = Callable[[float], None]


def renewed(
    key: str, host: OAuthHost, used: str, *, now: datetime, sleep: Sleep = time.sleep
) -> OAuthPair | None:
    """The pair of the connection `key` in place of the one with the access token `used`, stored; None: it is a token now.

    Safe to call in several processes at once: one asks the forge, the others get its pair. No transaction is open. Raises
    AuthorizeAgain when nothing else helps, and ForgeError when it may pass.
    """
    with alone(key):
        row = Connection.objects.filter(pk=key).first()
        if row is None:
            raise ForgeError("The connection was removed", permanent=True)
        pair = pair_of(str(row.credential))
        if pair is None or pair.access_token != used:
            return pair
        authorization, _ = Authorization.objects.get_or_create(connection=row, defaults={"at": now})
        _refuse_again(row, authorization, now)
        was_asked = authorization.asked_at is not None
        Authorization.objects.filter(pk=key).update(asked_at=now)
        try:
            answer = _ask(row, host, pair)
        except Refused as error:
            raise _refusal(row, host, error, now, lost=was_asked) from error
        new = after(pair, answer, now)
        store_at_last(row, pair, new, sleep)
        return new


def after(pair: OAuthPair, answer: Tokens, now: datetime) -> OAuthPair:
    """The pair with what the forge gave in place of what it had. What it does not say stays."""
    return pair.model_copy(
        update={
            "access_token": answer.access_token,
            "refresh_token": answer.refresh_token or pair.refresh_token,
            "scopes": tuple(answer.scope.split()) if answer.scope else pair.scopes,
            "obtained_at": now,
            "expires_at": now + timedelta(seconds=answer.expires_in) if answer.expires_in else None,
        }
    )


def store_at_last(row: Connection, old: OAuthPair, new: OAuthPair, sleep: Sleep) -> None:
    """Store the new pair, which is nowhere else."""
    for seconds in STORE_SECONDS:
        try:
            _store(row, old, new)
        except AWAY:
            database.close()
            sleep(seconds)
        else:
            return
    log.error("new tokens could not be stored and are lost", connection=str(row))


@transaction.atomic
def _store(connection: Connection, old: OAuthPair, new: OAuthPair) -> None:
    """What somebody entered or authorized meanwhile stays."""
    row = Connection.objects.select_for_update(no_key=True).filter(pk=connection.pk).first()
    there = pair_of(str(row.credential)) if row is not None else None
    if row is None or there is None or there.access_token != old.access_token:
        return
    row.credential = new.stored()
    row.save(update_fields=["credential"])
    Authorization.objects.filter(pk=row.pk).update(asked_at=None, problem="", problem_at=None, ended=False)


def _ask(row: Connection, host: OAuthHost, pair: OAuthPair) -> Tokens:
    client_id, client_secret = application(
        row.forge, host.root(row.base_url), pair.client_id, pair.client_secret
    )
    form = {
        "grant_type": "refresh_token",
        "refresh_token": pair.refresh_token,
        "client_id": client_id,
        "client_secret": client_secret,
        "redirect_uri": redirect_uri(),
    }
    return endpoint.tokens(host, row.base_url, form)


def _refuse_again(row: Connection, authorization: Authorization, now: datetime) -> None:
    """What was refused for good, or a moment ago, is not asked for again."""
    if authorization.ended:
        raise AuthorizeAgain(authorization.problem)
    at = authorization.problem_at
    if at is not None and now - at < AGAIN:
        raise ForgeError(authorization.problem, retry_after_seconds=AGAIN.total_seconds())


def _refusal(row: Connection, host: OAuthHost, error: Refused, now: datetime, *, lost: bool) -> ForgeError:
    """Note why there are no new tokens."""
    ended = error.said in ENDED
    problem = _why(row, host, error, ended=ended, lost=lost)
    changed = {"asked_at": None, "problem": problem, "problem_at": now, "ended": ended}
    with transaction.atomic():
        known = Authorization.objects.filter(pk=row.pk, problem=problem).exists()
        Authorization.objects.filter(pk=row.pk).update(**changed)
        if ended:
            audit.record(
                "connection.authorization_ended",
                f"connection/{row.pk}",
                by=SYSTEM,
                workspace=row.workspace_id,
                details={"name": row.name, "address": row.base_url},
            )
    if not known:
        log.warning("authorization of a connection needs somebody", connection=str(row), why=problem)
    if ended:
        return AuthorizeAgain(problem)
    return ForgeError(problem, retry_after_seconds=AGAIN.total_seconds())


def _why(row: Connection, host: OAuthHost, error: Refused, *, ended: bool, lost: bool) -> str:
    again = "Authorize it again on the connection's page. Until then what is to be done there waits."
    if not ended:
        return (
            f"{host.title} does not accept the application of {row.name} ({error.said or 'it does not say why'}): its secret was "
            f"renewed, or it was deleted. {again}"
        )
    if lost:
        return (
            f"{host.title} gave new tokens of {row.name}, and its answer was lost: this server was stopped, or the network "
            f"failed, in that moment. {again}"
        )
    return f"{host.title} takes no token of {row.name} any more: its authorization was withdrawn, or has expired. {again}"
