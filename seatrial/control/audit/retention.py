"""The one way in which entries of the audit log go: the oldest stretch as a whole, where the operator set an age."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from seatrial.control import keeping
from seatrial.control.audit.actors import SYSTEM
from seatrial.control.audit.models import Anchor, AuditEntry, Seal
from seatrial.control.audit.sealing import hold_chain
from seatrial.control.audit.services import record


def prune(now: datetime) -> int:
    """Delete what is older than GALLEY_AUDIT_KEEP_DAYS whole days; 0, the default: nothing. Returns how many entries went.

    First an anchor says what goes; then what it covers is deleted in batches. Killed in between, the next call goes on. An
    entry that is not old keeps all that were sealed after it, because a chain has no holes.
    """
    days = settings.CONFIGURATION.galley_audit_keep_days
    if days:
        # Whole days, so that a busy log gets an anchor a day and not one a minute
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        _anchor(today - timedelta(days=days), now)
    return _delete_covered()


@transaction.atomic
def _anchor(horizon: datetime, now: datetime) -> None:
    if not hold_chain():
        return
    last = Anchor.objects.order_by("-number").first()
    begins = last.number if last else 0
    seals = Seal.objects.filter(number__gt=begins)
    young = AuditEntry.objects.filter(at__gte=horizon).values("pk")
    kept = seals.filter(entry__in=young).values_list("number", flat=True).first()
    going = (seals if kept is None else seals.filter(number__lt=kept)).order_by("-number").first()
    if going is None:
        return
    anchor = Anchor.objects.create(
        number=going.number, hash=going.hash, entries=going.number - begins, at=now
    )
    details = {"up_to": anchor.number, "hash": anchor.hash, "entries": anchor.entries}
    record("audit_log.age_out", f"audit_log/{anchor.number}", by=SYSTEM, details=details)


def _delete_covered() -> int:
    """In one transaction, an entry and its seal: the database knows by the seal whether the entry may go."""
    covered = Anchor.objects.aggregate(number=Max("number"))["number"]
    if covered is None:
        return 0
    gone = 0
    for _ in range(keeping.MOST_BATCHES):
        with transaction.atomic():
            seals = Seal.objects.select_for_update(skip_locked=True).filter(number__lte=covered)
            batch = dict(seals.values_list("number", "entry")[: keeping.BATCH])
            AuditEntry.objects.filter(pk__in=batch.values()).delete()
            Seal.objects.filter(number__in=batch).delete()
        gone += len(batch)
        if len(batch) < keeping.BATCH:
            break
    return gone
