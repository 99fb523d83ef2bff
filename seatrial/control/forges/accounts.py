"""Whom connections act as, and until when: asked of the forge every hour, so that an end is seen coming."""

from dataclasses import asdict
from datetime import timedelta

import structlog
from django.db.models import Q
from django.utils import timezone

from seatrial.control.forges.connected import Forges
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.models import Account
from seatrial.control.forges.protocol import ForgeAccount
from seatrial.control.forges.registry import FORGES
from seatrial.control.projects.models import Connection

log = structlog.get_logger(__name__)

ASKED_EVERY = timedelta(hours=1)


def look(forges: Forges, connection: Connection) -> ForgeAccount:
    """Ask the forge whom the connection acts as, and keep what it says. No transaction is open.

    Raises ForgeError, after keeping why.
    """
    try:
        account = forges.hosted(connection).account()
    except ForgeError as error:
        Account.objects.update_or_create(
            connection=connection, defaults={"problem": str(error), "asked_at": timezone.now()}
        )
        raise
    keep(connection, account)
    return account


def keep(connection: Connection, account: ForgeAccount) -> None:
    """Keep what the forge said."""
    Account.objects.update_or_create(
        connection=connection,
        defaults={
            "login": account.login[:200],
            "version": account.version[:100],
            "missing": list(account.missing),
            "rights": [asdict(right) for right in account.rights],
            "expires_at": account.expires_at,
            "problem": "",
            "asked_at": timezone.now(),
        },
    )


def look_due(forges: Forges) -> None:
    """Look at every connection that was not looked at for ASKED_EVERY. What a forge does not say is kept, not raised."""
    hosted = [kind for kind, one in FORGES.items() if one.hosting is not None]
    due = Q(account=None) | Q(account__asked_at__lte=timezone.now() - ASKED_EVERY)
    for connection in Connection.objects.filter(due, forge__in=hosted):
        try:
            look(forges, connection)
        except ForgeError as error:
            log.warning("connection was not looked at", connection=str(connection), why=str(error))
