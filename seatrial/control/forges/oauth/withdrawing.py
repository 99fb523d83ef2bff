"""Ends authorizations at their forges: nobody should be able to use what nobody uses any more."""

import contextlib

import structlog
from django.db import transaction

from seatrial.control.forges.errors import AuthorizeAgain, ForgeError
from seatrial.control.forges.oauth import endpoint
from seatrial.control.forges.oauth.granted import bearer_of
from seatrial.control.forges.oauth.host import OAuthHost
from seatrial.control.forges.oauth.models import Authorization
from seatrial.control.forges.oauth.pair import OAuthPair, application, pair_of
from seatrial.control.projects.models import Connection
from seatrial.control.vault.errors import VaultError

log = structlog.get_logger(__name__)


def forget(host: OAuthHost, kind: str, base_url: str, pair: OAuthPair) -> None:
    """Have the forge forget a pair that is not used any more. If it does not answer, its access token ends by itself."""
    try:
        _revoke(host, kind, base_url, pair, pair.access_token)
    except ForgeError as error:
        log.warning("former tokens were not withdrawn", forge=base_url, why=str(error))


def withdraw_due(kind: str, host: OAuthHost) -> None:
    """End the authorization of every connection that is being removed and has no projects any more.

    Only then is it deleted (`triggers.removals`). Idempotent. What a forge does not accept is tried again the next time.
    """
    due = Authorization.objects.filter(
        connection__forge=kind, connection__removal_asked_at__isnull=False, connection__projects=None
    )
    for authorization in due.select_related("connection"):
        try:
            _withdraw(authorization.connection, host)
        except (ForgeError, VaultError) as error:
            log.warning("not withdrawn", connection=str(authorization.connection), why=str(error))


def _withdraw(connection: Connection, host: OAuthHost) -> None:
    credential = str(connection.credential)
    pair = pair_of(credential)
    if pair is not None and host.revoke_path:
        with contextlib.suppress(AuthorizeAgain):  # then there is nothing left to end
            # Only a token that has not ended leads the forge to its refresh token
            _revoke(host, connection.forge, connection.base_url, pair, bearer_of(connection, host).current())
    _forgotten(connection)


@transaction.atomic
def _forgotten(connection: Connection) -> None:
    """Forget it here too, unless somebody connected again meanwhile."""
    row = Connection.objects.select_for_update(no_key=True).filter(pk=connection.pk).first()
    if row is None or row.removal_asked_at is None:
        return
    row.credential = ""
    row.save(update_fields=["credential"])
    Authorization.objects.filter(pk=row.pk).delete()


def _revoke(host: OAuthHost, kind: str, base_url: str, pair: OAuthPair, token: str) -> None:
    if not host.revoke_path:
        return
    client_id, client_secret = application(kind, host.root(base_url), pair.client_id, pair.client_secret)
    form = {"token": token, "client_id": client_id, "client_secret": client_secret}
    endpoint.revoke(host, base_url, form)
