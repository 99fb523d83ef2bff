"""Previews that sleep, in a harbour."""

from datetime import timedelta

from django.utils import timezone

from seatrial.control.previews.models import Environment
from seatrial.wire.states import EnvironmentState, Tier
from tests import factories
from tests.dashboard.harbour import Harbour


def asleep(harbour: Harbour, number: int = 90) -> Environment:
    """Paused since an hour, and pinned."""
    return _slept(harbour, number, tier=Tier.PAUSED, pinned_by="alice")


def unwakeable(harbour: Harbour) -> Environment:
    """Somebody visited it two minutes ago, and it does not come up."""
    services = [
        {"name": "web", "kind": "web", "state": "unhealthy"},
        {"name": "db", "kind": "database", "state": "running"},
    ]
    woken = timezone.now() - timedelta(minutes=2)
    return _slept(harbour, 91, waking_since=woken, services=services)


def _slept(harbour: Harbour, number: int, **fields: object) -> Environment:
    pull = factories.pull_request(harbour.project, number=number, title="Lower the jib in a squall")
    environment = factories.running(pull, agent=harbour.live.live.agent)
    Environment.objects.filter(pk=environment.pk).update(
        state=EnvironmentState.HIBERNATING, asleep_since=timezone.now() - timedelta(hours=1), **fields
    )
    return Environment.objects.get(pk=environment.pk)
