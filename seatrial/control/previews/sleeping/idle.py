"""Which previews are due to fall asleep, or to sleep deeper. Idempotent, and any number of processes may ask at once."""

from datetime import timedelta

from django.db.models import DurationField, ExpressionWrapper, F, Q, QuerySet
from django.utils import timezone

from seatrial.control.previews.models import Environment
from seatrial.control.previews.sleeping import services
from seatrial.wire.states import Tier

HEARD = timedelta(minutes=2)  # an agent that said nothing for so long may have seen somebody connected


def put_to_sleep(*, visits_known: bool) -> int:
    """Put to sleep what is due; returns how many. Unless `visits_known`, nothing falls asleep: what nobody saw may be visited."""
    settled = sum(map(services.settle, _unsettled().values_list("pk", flat=True)))
    if not visits_known:
        return settled
    return settled + sum(services.fall_asleep(*row) for row in _idle().values_list("pk", "visited_at"))


def _idle() -> QuerySet[Environment]:
    awake = Environment.objects.filter(
        live__isnull=False, candidate=None, asleep_since=None, observed_at__gt=timezone.now() - HEARD
    )
    return awake.filter(_older_than("project__pause_minutes") | _older_than("project__stop_minutes"))


def _unsettled() -> QuerySet[Environment]:
    asleep = Environment.objects.filter(asleep_since__isnull=False, waking_since=None)
    deeper = Q(tier=Tier.PAUSED) & _older_than("project__stop_minutes")
    return asleep.filter(Q(tier=Tier.RUNNING, settles_at__lte=timezone.now()) | deeper)


def _older_than(minutes: str) -> Q:
    age = ExpressionWrapper(F(minutes) * timedelta(minutes=1), output_field=DurationField())
    return Q(**{f"{minutes}__gt": 0}, visited_at__lte=timezone.now() - age)
