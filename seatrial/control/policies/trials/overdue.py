"""Ends trials that no agent will finish, with the reason, and goes on with replays."""

from datetime import timedelta

from django.utils import timezone

from seatrial.control.policies.models import Trial
from seatrial.control.policies.overdue import LOST_AFTER, WAITED, patience
from seatrial.control.policies.trials.feeding import feed
from seatrial.control.policies.trials.results import lost
from seatrial.wire.states import TrialState

TURN_AFTER = timedelta(minutes=30)  # only a few are handed over at a time, so each has its turn long before


def give_up_lost() -> int:
    """End every trial that no agent will finish, as evaluations are; returns how many. Begins trials of replays that have a place."""
    now = timezone.now()
    silent = f"Lost: the agent that took it reported no result within {WAITED}. Try again."
    running = Trial.objects.filter(state=TrialState.RUNNING, started_at__lt=now - LOST_AFTER)
    overdue = [(identity, silent) for identity in running.values_list("pk", flat=True)]
    before, reason = patience(now)
    if before < now - TURN_AFTER:
        before, reason = (
            now - TURN_AFTER,
            f"Lost: no agent took it within {TURN_AFTER.seconds // 60} minutes. Try again.",
        )
    queued = Trial.objects.filter(state=TrialState.QUEUED, queued_at__lt=before)
    overdue += [(identity, reason) for identity in queued.values_list("pk", flat=True)]
    for identity, why in overdue:
        lost(identity, why)
    feed()
    return len(overdue)
