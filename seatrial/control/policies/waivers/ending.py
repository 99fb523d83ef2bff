"""Ends waivers whose time is over, or whose policy has a new version: what they waived fails again."""

from django.db import transaction
from django.utils import timezone

from seatrial.control.audit.actors import SYSTEM
from seatrial.control.policies.models import Waiver
from seatrial.control.policies.waivers import services
from seatrial.control.policies.waivers.force import outdated
from seatrial.wire.states import WaiverState


def end_due() -> int:
    """Returns how many ended. A transaction for each; idempotent, and any number of workers may do it at once."""
    rows = Waiver.objects.filter(state__in=services.OPEN).select_related("project").order_by("id")
    over = [(row, WaiverState.EXPIRED, "") for row in rows.filter(expires_at__lte=timezone.now())]
    ended = {row.pk for row, _, _ in over}
    over += [
        (row, WaiverState.WITHDRAWN, "The policy has a new version.")
        for row in outdated(rows)
        if row.pk not in ended
    ]
    return sum(_end(*one) for one in over)


@transaction.atomic
def _end(row: Waiver, state: WaiverState, note: str) -> bool:
    return services.end(row, state, by=SYSTEM, note=note)
