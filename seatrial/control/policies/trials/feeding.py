"""Whose turn it is: replays share few places, so that they never hold up anything else, nor each other."""

from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils import timezone

from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.models import Replay, Trial
from seatrial.wire.states import TrialState

PLACES = 4  # trials of all replays together that agents or forges may have at a time
FEEDING_LOCK = 0x5EA72  # PostgreSQL advisory lock
OPEN = (TrialState.QUEUED, TrialState.RUNNING)


@transaction.atomic
def feed() -> int:
    """Begin as many trials of replays as there are places; returns how many.

    The replay that has the fewest under way goes first, and of each replay the newest commits of every project. Idempotent, and
    any number of processes may call it at once: one at a time does it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FEEDING_LOCK])
    under_way = Trial.objects.filter(state__in=OPEN, replay__isnull=False).exclude(begun_at=None)
    begun = 0
    for _ in range(PLACES - under_way.count()):
        trial = _next()
        if trial is None:
            break
        # Not one that was cancelled meanwhile
        rows = Trial.objects.filter(pk=trial.pk, state=TrialState.QUEUED)
        if rows.update(begun_at=timezone.now()):
            outbox.instruct(Instruction.TRIAL, trial=trial.pk)
            begun += 1
    return begun


def _next() -> Trial | None:
    waiting = Q(trials__state=TrialState.QUEUED, trials__begun_at=None)
    under_way = Q(trials__state__in=OPEN, trials__begun_at__isnull=False)
    replays = Replay.objects.filter(state=TrialState.RUNNING)
    replays = replays.annotate(waiting=Count("trials", waiting), under_way=Count("trials", under_way))
    replay = replays.filter(waiting__gt=0).order_by("under_way", "id").first()
    if replay is None:
        return None
    rows = Trial.objects.filter(replay=replay, state=TrialState.QUEUED, begun_at=None)
    return rows.order_by("place", "id").first()
