"""The secrets that sign a connection's webhooks: the current one and, for a while, the previous one."""

import hmac
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.projects.errors import EmptySecret
from seatrial.control.projects.models import Connection
from seatrial.control.vault.errors import VaultError


def valid_secrets(connection: Connection) -> list[str]:
    """Every secret that a webhook may be signed with now; empty when none is stored.

    Raises VaultError when secrets are stored but none of them can be opened.
    """
    problem: VaultError | None = None
    opened = []
    until = connection.previous_valid_until
    names = ["webhook_secret"]
    if until is not None and until > timezone.now():
        names.append("previous_webhook_secret")
    for name in names:
        try:
            opened.append(str(getattr(connection, name)))
        except VaultError as error:
            problem = problem or error
    opened = [secret for secret in opened if secret]
    if not opened and problem is not None:
        raise problem
    return opened


@transaction.atomic
def rotate_webhook_secret(connection: Connection, new: str, grace: timedelta, by: Actor) -> None:
    """Make `new` the webhook secret. The current one stays valid for `grace`, time to enter the new one at the forge.

    A current secret that cannot be opened is replaced too, and does not stay valid. Rotating to the current secret
    changes nothing, so a repeated call does not cut short the time of the previous one. Raises EmptySecret.
    """
    if not new:
        raise EmptySecret
    row = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
    try:
        present = str(row.webhook_secret)
    except VaultError:
        present = ""
    if hmac.compare_digest(present.encode(), new.encode()):
        return
    kept = bool(present) and grace > timedelta()
    row.previous_webhook_secret = present if kept else ""
    row.previous_valid_until = timezone.now() + grace if kept else None
    row.webhook_secret = new
    changed = ["webhook_secret", "previous_webhook_secret", "previous_valid_until"]
    row.save(update_fields=changed)
    until = row.previous_valid_until
    audit.record(
        "connection.rotate_webhook_secret",
        f"connection/{row.pk}",
        by=by,
        workspace=row.workspace_id,
        details={"previous_valid_until": until.isoformat() if until else None},
    )
    connection.refresh_from_db(fields=changed)  # a credential whose key is lost does not matter here
