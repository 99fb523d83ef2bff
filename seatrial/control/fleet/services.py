"""The fleet: who lives, and who takes which environment. Joining and leaving: `fleet.registration`."""

from datetime import datetime, timedelta
from typing import Protocol

from django.db.models import Count, Q
from django.utils import timezone

from seatrial.control.fleet.models import Agent
from seatrial.control.fleet.registration import issue_bootstrap, register, revoke
from seatrial.wire.agents import OFFLINE_AFTER_SECONDS, Heartbeat
from seatrial.wire.states import AgentState

__all__ = ["heartbeat", "issue_bootstrap", "place", "register", "revoke", "sweep_offline"]

OFFLINE_AFTER = timedelta(seconds=OFFLINE_AFTER_SECONDS)


class Placeable(Protocol):
    """An environment, as far as placing goes."""

    @property
    def agent(self) -> Agent | None:
        """Where it is now."""


def heartbeat(agent_id: str, beat: Heartbeat) -> bool:
    """Note that the agent lives, by our clock. True when it was not online before. Unknown agents are ignored."""
    now = timezone.now()
    known = Agent.objects.filter(pk=agent_id).exclude(state=AgentState.REVOKED)
    known.update(last_heartbeat_at=now, heartbeat=beat.model_dump(mode="json"), release=beat.release[:50])
    return known.filter(state=AgentState.OFFLINE).update(state=AgentState.ONLINE) > 0


def sweep_offline(*, listening_since: datetime) -> list[Agent]:
    """Mark offline who was silent for OFFLINE_AFTER, and return everybody who is offline now.

    Silence counts only from `listening_since`: a control plane that was away itself has heard nobody.
    """
    now = timezone.now()
    if now - listening_since >= OFFLINE_AFTER:
        silent = Q(last_heartbeat_at__lt=now - OFFLINE_AFTER) | Q(last_heartbeat_at=None)
        Agent.objects.filter(silent, state__in=[AgentState.ONLINE, AgentState.DRAINING]).update(
            state=AgentState.OFFLINE
        )
    return list(Agent.objects.filter(state=AgentState.OFFLINE))


def place(environment: Placeable) -> Agent | None:
    """The agent that should have `environment`: where it is, else the online one with the fewest; None: nobody.

    Sticky even while the agent is offline, because data and caches are there; only a revoked agent is left.
    """
    if environment.agent is not None and environment.agent.state != AgentState.REVOKED:
        return environment.agent
    living = Count("environments", filter=~Q(environments__state="terminated"))
    return (
        Agent.objects.filter(state=AgentState.ONLINE).annotate(living=living).order_by("living", "id").first()
    )
