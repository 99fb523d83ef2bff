"""Rotating the master key, with an entry in the audit log for each step; noting which signing key of Django is in use."""

import hashlib

from django.conf import settings
from django.db import transaction

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM, Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.vault import rewrapping
from seatrial.control.vault.fields import keys, sealing_keys

BATCH = 500
NOTED = "secret_key.set"


@transaction.atomic
def begin_rewrap(*, by: Actor) -> None:
    """Have the newest master key seal from now on; what former ones sealed is sealed anew by a worker. Idempotent.

    Raises VaultError.
    """
    if before := rewrapping.begin():
        _record("rotate", before, by)


@transaction.atomic
def give_up_former_key(*, by: Actor) -> str:
    """Go on with the newest master key although the one before is lost. Returns the lost one's id; empty if nothing is lost.

    What it sealed stays, and cannot be opened: `rewrapping.unknown` says what that is. Raises VaultError.
    """
    lost = rewrapping.give_up_former()
    if lost:
        _record("give_up", lost, by)
    return lost


def go_on() -> None:
    """Seal anew what is left of a re-wrap that has begun. Idempotent; any number of workers may do it at once."""
    if len(sealing_keys().ids) == 1:
        return
    renewed = 0
    while some := rewrapping.rewrap(BATCH):
        renewed += some
    if renewed:
        details = {"renewed": renewed}
        audit.record("master_key.rewrap", f"master_key/{keys().current.id}", by=SYSTEM, details=details)


@transaction.atomic
def note_secret_key() -> None:
    """Record that SECRET_KEY is another one than at the start before. Called when a worker starts."""
    key = settings.CONFIGURATION.secret_key.get_secret_value()
    key_id = hashlib.sha256(f"seatrial.control.keys {key}".encode()).hexdigest()[:16]
    last = AuditEntry.objects.filter(action=NOTED).order_by("-id").first()
    if last is None or last.details.get("key_id") != key_id:
        audit.record(NOTED, f"secret_key/{key_id}", by=SYSTEM, details={"key_id": key_id})


def _record(done: str, before: str, by: Actor) -> None:
    newest = keys().current.id
    audit.record(
        f"master_key.{done}", f"master_key/{newest}", by=by, details={"before": before, "after": newest}
    )
