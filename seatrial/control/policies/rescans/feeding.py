"""Whose turn it is: all re-scans together have few places, so they hold up neither pushes nor each other."""

from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils import timezone

from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.rescans.models import Outcome, Rescan, RescanTarget

PLACES = 4  # targets of all re-scans that code hosts or agents may have at a time
FEEDING_LOCK = 0x5EA73  # PostgreSQL advisory lock


def lock() -> None:
    """Until the end of the transaction, nobody else begins or ends targets. Taken before any row of re-scans is changed, so that
    nobody waits for somebody who waits for them.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FEEDING_LOCK])


@transaction.atomic
def feed() -> int:
    """Begin as many targets as there are places; returns how many.

    The re-scan that has the fewest under way goes first, what people asked for before what is scheduled. Idempotent, and any number of
    processes may call it at once: one at a time does it.
    """
    waiting = RescanTarget.objects.filter(outcome=Outcome.WAITING, ended_at=None)
    if not waiting.exists():
        return 0
    lock()
    under_way = RescanTarget.objects.filter(outcome=Outcome.UNDER_WAY, ended_at=None).count()
    begun = 0
    while under_way + begun < PLACES and (target := _next()) is not None:
        # Not one that was stopped meanwhile
        rows = RescanTarget.objects.filter(pk=target.pk, outcome=Outcome.WAITING)
        if rows.update(outcome=Outcome.UNDER_WAY, begun_at=timezone.now()):
            outbox.instruct(Instruction.RESCAN, target=target.pk)
            begun += 1
    return begun


def _next() -> RescanTarget | None:
    rows = Rescan.objects.filter(finished_at=None).annotate(
        waiting=Count("targets", Q(targets__outcome=Outcome.WAITING)),
        under_way=Count("targets", Q(targets__outcome=Outcome.UNDER_WAY)),
    )
    rescan = rows.filter(waiting__gt=0).order_by("under_way", "scheduled", "id").first()
    if rescan is None:
        return None
    return RescanTarget.objects.filter(rescan=rescan, outcome=Outcome.WAITING).order_by("id").first()
