"""Which waivers are in force."""

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from seatrial.control.policies.models import PolicyVersion, Waiver
from seatrial.control.policies.waivers.scope import Scope
from seatrial.wire.states import WaiverState


def in_force(now: datetime) -> QuerySet[Waiver]:
    """Those that waive something now, the one that lasts longest last."""
    approved = Waiver.objects.filter(state=WaiverState.APPROVED, expires_at__gt=now)
    return outdated(approved, is_so=False).order_by("expires_at", "id")


def outdated(rows: QuerySet[Waiver], *, is_so: bool = True) -> QuerySet[Waiver]:
    """Those whose policy has a newer version than the one that they are bound to; or, if not `is_so`, the others."""
    newer = Exists(
        PolicyVersion.objects.filter(
            policy=OuterRef("version__policy"), number__gt=OuterRef("version__number")
        )
    )
    return rows.filter(newer) if is_so else rows.filter(~newer)


def scope_of(waiver: Waiver) -> Scope:
    """What it covers."""
    return Scope(waiver.path, waiver.fingerprint)
