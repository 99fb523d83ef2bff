"""Ends evaluations that no agent will finish, with the reason."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from seatrial.control.fleet.models import Agent
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.results import give_up
from seatrial.wire.states import AgentState, EvaluationState

LOST_AFTER = timedelta(minutes=10)
WAITED = f"{LOST_AFTER.total_seconds() / 60:.0f} minutes"
WAITS_AT_MOST = timedelta(days=1)  # for its turn; after that, the bus drops its job
PROBLEM_LASTS_SECONDS = 30.0  # a shorter one may go away by itself: an engine that restarts, say


def give_up_lost() -> int:
    """End every evaluation that no agent will finish, as errored; returns how many.

    A running one is given up after LOST_AFTER without a result. A queued one is given up at once if no agent that is
    present can run policies and their problems last; after LOST_AFTER if no agent is present, or their problems are
    new; and only after WAITS_AT_MOST while some agent can run policies, because then it waits for its turn. An
    evaluation whose facts are still being fetched is left alone: the code that fetches them ends it, with the reason.
    """
    now = timezone.now()
    silent = f"Lost: the agent that took it reported no result within {WAITED}. Run it again."
    running = Evaluation.objects.filter(state=EvaluationState.RUNNING, started_at__lt=now - LOST_AFTER)
    overdue = [(identity, silent) for identity in running.values_list("pk", flat=True)]
    before, reason = patience(now)
    queued = Evaluation.objects.filter(state=EvaluationState.QUEUED, queued_at__lt=before)
    overdue += [(identity, reason) for identity in queued.values_list("pk", flat=True)]
    for identity, why in overdue:
        give_up(identity, why)
    return len(overdue)


def patience(now: datetime) -> tuple[datetime, str]:
    """(time, reason): evaluations and trials that were queued before that time are given up, for that reason."""
    present = Agent.objects.filter(state__in=[AgentState.ONLINE, AgentState.DRAINING]).order_by("name")
    beats = {agent.name: agent.heartbeat for agent in present}
    if any(beat.get("sandbox") for beat in beats.values()):
        return now - WAITS_AT_MOST, "Lost: its turn did not come within a day. Run it again."
    if beats and all(_lasts(beat) for beat in beats.values()):
        problems = "; ".join(f"{name}: {beat['sandbox_problem']}" for name, beat in beats.items())
        return now, f"No policy can run: {problems}"
    return now - LOST_AFTER, f"Lost: no agent took it within {WAITED}. Run it again."


def _lasts(beat: dict[str, Any]) -> bool:
    lasted: float = beat.get("sandbox_problem_seconds", 0.0)
    return bool(beat.get("sandbox_problem")) and lasted >= PROBLEM_LASTS_SECONDS
